#include <algorithm>
#include <memory>
#include <stdexcept>

#include "api/routes.h"

/// The web client: static files, and its page for every path that is a view of it.
namespace simpleim::api {
namespace {

/// Only what this server serves runs or is loaded (files also from `files_origin`, when they lie elsewhere), and
/// nothing is ever parsed as HTML from a string.
std::string page_policy(const std::string& files_origin) {
  const auto files = files_origin.empty() ? "" : " " + files_origin;
  return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:" + files +
         "; media-src 'self' blob:" + files + "; connect-src 'self'" + files +
         "; font-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; "
         "base-uri 'self'; object-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
}

const Asset* find(Assets assets, std::string_view path) {
  const auto found = std::lower_bound(assets.begin(), assets.end(), path,
                                      [](const Asset& asset, std::string_view name) { return asset.path < name; });
  return found != assets.end() && found->path == path ? &*found : nullptr;
}

/// A view of the client has no dot in its last part and is asked for as a page.
bool is_view(const net::Request& request) {
  const auto last = request.path.substr(request.path.rfind('/') + 1);
  return last.find('.') == std::string::npos && !request.path.starts_with("/api/") && request.path != "/api" &&
         request.header("accept").find("text/html") != std::string_view::npos;
}

/// An encoding is taken when it is named without q=0; clients that rank encodings do not exist here.
bool accepts(std::string_view header, std::string_view encoding) {
  const auto at = header.find(encoding);
  if (at == std::string_view::npos) return false;
  const auto rest = header.substr(at + encoding.size(), header.find(',', at) - at - encoding.size());
  return rest.find("q=0") == std::string_view::npos || rest.find("q=0.") != std::string_view::npos;
}

/// The page with the <base> that its addresses are relative to.
struct Page {
  std::string text;
  std::string etag;
};

/// Throws std::logic_error when the build has changed what the page begins with.
Page page_under(const Asset& asset, const std::string& public_path) {
  constexpr std::string_view kRoot = "<base href=\"/\">";
  Page page{std::string(asset.plain), std::string(asset.etag)};
  const auto at = page.text.find(kRoot);
  if (at == std::string::npos) throw std::logic_error("index.html has no " + std::string(kRoot));
  page.text.replace(at, kRoot.size(), "<base href=\"" + public_path + "/\">");
  page.etag.insert(1, public_path.substr(1) + "-");
  return page;
}

net::Response serve(const Asset& asset, const net::Request& request, const std::string& policy) {
  net::Response response;
  response.content_type = asset.content_type;
  response.headers = {{"Cache-Control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
                      {"ETag", std::string(asset.etag)},
                      {"Vary", "Accept-Encoding"},
                      {"Content-Security-Policy", policy}};
  if (request.header("if-none-match").find(asset.etag) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  const auto encodings = request.header("accept-encoding");
  auto body = asset.plain;
  for (const auto& [name, encoded] : {std::pair("br", asset.brotli), std::pair("gzip", asset.gzip)}) {
    if (encoded.empty() || !accepts(encodings, name)) continue;
    response.headers.emplace_back("Content-Encoding", name);
    body = encoded;
    break;
  }
  response.body = body;
  return response;
}

}  // namespace

void add_web_client(net::Router& router, Assets assets, const std::string& files_origin,
                    const std::string& public_path) {
  const auto* index = find(assets, "/index.html");
  if (index == nullptr) return;
  auto page = std::make_shared<const Page>(public_path.empty() ? Page() : page_under(*index, public_path));
  auto start = *index;
  if (!public_path.empty()) start = {index->path, index->content_type, page->etag, false, page->text, {}, {}};
  router.fallback([assets, page, start, policy = page_policy(files_origin)](const net::Request& request) {
    const auto* asset = request.path == "/" ? nullptr : find(assets, request.path);
    if (asset != nullptr && asset->path != start.path) return serve(*asset, request, policy);
    return asset != nullptr || is_view(request) || request.path == "/" ? serve(start, request, policy)
                                                                       : failure(404, "not found");
  });
}

}  // namespace simpleim::api
