#include <dlfcn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "media/image_processor.h"

/// Runs in a process of its own. libvips and the hundred libraries behind it are loaded here, when there is a picture,
/// so that the server starts without them; these are the few calls of its C interface that we need (vips.h).
namespace simpleim::media {
namespace {

struct Image;  // VipsImage, a GObject

constexpr rlim_t kMemory = rlim_t{1536} << 20;
constexpr rlim_t kProcessorSeconds = 20;
constexpr rlim_t kOutput = rlim_t{64} << 20;
constexpr std::array kMetadata{"exif-data", "xmp-data", "iptc-data"};
constexpr int kSizeDown = 2;  // VIPS_SIZE_DOWN

void limit(__rlimit_resource_t what, rlim_t value) {
  const rlimit bound{value, value};
  (void)::setrlimit(what, &bound);
}

class Vips {
 public:
  Vips() : library_(::dlopen("libvips.so.42", RTLD_NOW | RTLD_GLOBAL)) {
    if (library_ == nullptr) throw std::runtime_error(std::string("libvips is not installed: ") + ::dlerror());
    if (call<int(const char*)>("vips_init")("simpleim") != 0) fail("vips_init");
    call<void(int)>("vips_concurrency_set")(1);
    call<void(int)>("vips_cache_set_max")(0);
    call<void(int)>("vips_block_untrusted_set")(1);
  }

  template <class Function>
  Function* call(const char* name) const {
    auto* found = ::dlsym(library_, name);
    if (found == nullptr) throw std::runtime_error(std::string("libvips has no ") + name);
    return reinterpret_cast<Function*>(found);
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw std::runtime_error(what + ": " + call<const char*()>("vips_error_buffer")());
  }

 private:
  void* library_;
};

struct Dimensions {
  int width = 0;
  int height = 0;
  bool has_metadata = false;
};

/// Reads the header only: nothing is decoded before its size is known to be bearable.
Dimensions inspect(const Vips& vips, const std::string& path) {
  auto* image = vips.call<Image*(const char*, ...)>("vips_image_new_from_file")(path.c_str(), nullptr);
  if (image == nullptr) vips.fail("not a picture");
  const auto number = [&](const char* name) { return vips.call<int(Image*)>(name)(image); };
  Dimensions found{number("vips_image_get_width"), number("vips_image_get_height"), false};
  constexpr int kFirstTurnedOrientation = 5;
  const int orientation = number("vips_image_get_orientation");
  if (orientation >= kFirstTurnedOrientation) std::swap(found.width, found.height);
  for (const char* field : kMetadata)
    found.has_metadata =
        found.has_metadata || vips.call<unsigned long(Image*, const char*)>("vips_image_get_typeof")(image, field) != 0;
  found.has_metadata = found.has_metadata || orientation > 1;
  return found;
}

/// Upright, in sRGB, at most `side` pixels a side.
Image* shrunk(const Vips& vips, const std::string& path, int side) {
  Image* out = nullptr;
  if (vips.call<int(const char*, Image**, int, ...)>("vips_thumbnail")(
          path.c_str(), &out, side, "height", side, "size", kSizeDown, "export-profile", "srgb", nullptr) != 0)
    vips.fail("cannot decode");
  return out;
}

/// libvips 8.14 writes the fields of EXIF into a WebP even when told to strip, so none is left to it.
void remove_metadata(const Vips& vips, Image* image) {
  char** fields = vips.call<char**(Image*)>("vips_image_get_fields")(image);
  for (char** field = fields; field != nullptr && *field != nullptr; ++field) {
    const std::string_view name(*field);
    if (name.starts_with("exif-") || name.starts_with("xmp-") || name.starts_with("iptc-") || name.ends_with("comment"))
      vips.call<int(Image*, const char*)>("vips_image_remove")(image, *field);
  }
}

void save(const Vips& vips, const char* format, Image* image, const std::string& path, int quality) {
  remove_metadata(vips, image);
  using Save = int(Image*, const char*, ...);
  const int failed = quality == 0 ? vips.call<Save>(format)(image, path.c_str(), "strip", 1, nullptr)
                                  : vips.call<Save>(format)(image, path.c_str(), "strip", 1, "Q", quality, nullptr);
  if (failed != 0) vips.fail("cannot encode");
}

void clean(const Vips& vips, const std::string& in, const std::string& mime, const Dimensions& dimensions,
           const std::string& out) {
  // Every page of an animation.
  const auto source = mime == "image/webp" ? in + "[n=-1]" : in;
  auto* image = shrunk(vips, source, std::max(dimensions.width, dimensions.height) + 1);
  constexpr int kQuality = 92;
  if (mime == "image/jpeg") return save(vips, "vips_jpegsave", image, out, kQuality);
  if (mime == "image/webp") return save(vips, "vips_webpsave", image, out, kQuality);
  save(vips, "vips_pngsave", image, out, 0);
}

}  // namespace

int run_image_worker(const std::string& in, const std::string& mime, const std::string& thumbnail,
                     const std::string& cleaned) {
  limit(RLIMIT_AS, kMemory);
  limit(RLIMIT_CPU, kProcessorSeconds);
  limit(RLIMIT_FSIZE, kOutput);
  limit(RLIMIT_CORE, 0);
  try {
    const Vips vips;
    const auto dimensions = inspect(vips, in);
    if (std::int64_t{dimensions.width} * dimensions.height > kMaxPixels)
      throw std::runtime_error("the picture has too many pixels");
    constexpr int kThumbnailQuality = 75;
    save(vips, "vips_webpsave", shrunk(vips, in, kThumbnailPixels), thumbnail, kThumbnailQuality);
    const bool cleans = cleaned != "-" && dimensions.has_metadata && mime != "image/gif";
    if (cleans) clean(vips, in, mime, dimensions, cleaned);
    std::printf("%d %d %d\n", dimensions.width, dimensions.height, cleans ? 1 : 0);
    std::fflush(stdout);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "image-worker: %s\n", e.what());
    return 1;
  }
  // The end of the process frees what libvips holds, faster than libvips does.
  std::_Exit(0);
}

}  // namespace simpleim::media
