/// What a stranger controls in a request: target, query, JSON body, access token.

#include <cstdlib>
#include <string>

#include "api/body.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "net/http.h"
#include "service/accounts/tokens.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace simpleim;
  const std::string text(reinterpret_cast<const char*>(data), size);
  net::Request request;
  if (net::parse_target(text, request))
    for (const auto& [key, value] : request.query)
      if (!base::is_utf8(key) || !base::is_utf8(value)) std::abort();
  (void)api::query_integer(request, "limit", 1, 1, 200);

  net::Request post;
  post.body = text;
  api::Body body(post);
  (void)body.text("username");
  (void)body.optional_flag("pinned");
  (void)body.optional_integer("muted_until");
  (void)body.users("user_ids", true);
  if (body.error() && body.error()->text.empty()) std::abort();

  static const base::SystemClock clock;
  static const service::Tokens tokens(std::string(32, 'k'), clock);
  service::TokenProblem problem{};
  // Nobody who does not know the key gets a token past the check.
  if (tokens.verify(text, problem)) std::abort();
  return 0;
}
