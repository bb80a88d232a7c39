#include "media/vips.h"

#include <dlfcn.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>

namespace simpleim::media {
namespace {

constexpr int kSizeDown = 2;  // VIPS_SIZE_DOWN
constexpr const char* kProfile = "icc-profile-data";

}  // namespace

Vips::Vips() : library_(::dlopen("libvips.so.42", RTLD_NOW | RTLD_GLOBAL)) {
  if (library_ == nullptr) throw std::runtime_error(std::string("libvips is not installed: ") + ::dlerror());
  if (call<int(const char*)>("vips_init")("simpleim") != 0) fail("vips_init");
  call<void(int)>("vips_concurrency_set")(1);
  call<void(int)>("vips_cache_set_max")(0);
  call<void(int)>("vips_block_untrusted_set")(1);
}

template <class Function>
Function* Vips::call(const char* name) const {
  auto* found = ::dlsym(library_, name);
  if (found == nullptr) throw std::runtime_error(std::string("libvips has no ") + name);
  return reinterpret_cast<Function*>(found);
}

void Vips::fail(const std::string& what) const {
  throw std::runtime_error(what + ": " + call<const char*()>("vips_error_buffer")());
}

void* Vips::source(int fd) const {
  if (::lseek(fd, 0, SEEK_SET) != 0) throw std::runtime_error("the content cannot be read from its beginning");
  auto* made = call<void*(int)>("vips_source_new_from_descriptor")(fd);
  if (made == nullptr) fail("the content cannot be read");
  return made;
}

Vips::Image* Vips::open(int fd) const {
  auto* image = call<Image*(void*, const char*, ...)>("vips_image_new_from_source")(source(fd), "", nullptr);
  if (image == nullptr) fail("not a picture");
  return image;
}

Vips::Image* Vips::shrunk(int fd, int side) const {
  // libvips 8.14 asked for a profile changes the colours of a picture that has none, and so is in sRGB.
  const bool has_profile = call<unsigned long(Image*, const char*)>("vips_image_get_typeof")(open(fd), kProfile) != 0;
  auto* thumbnail = call<int(void*, Image**, int, ...)>("vips_thumbnail_source");
  Image* out = nullptr;
  const int failed = has_profile ? thumbnail(source(fd), &out, side, "height", side, "size", kSizeDown,
                                             "export-profile", "srgb", nullptr)
                                 : thumbnail(source(fd), &out, side, "height", side, "size", kSizeDown, nullptr);
  if (failed != 0) fail("cannot decode");
  return out;
}

/// libvips 8.14 writes the fields of EXIF into a WebP even when told to strip, so none is left to it.
void Vips::remove_metadata(Image* image) const {
  char** fields = call<char**(Image*)>("vips_image_get_fields")(image);
  for (char** field = fields; field != nullptr && *field != nullptr; ++field) {
    const std::string_view name(*field);
    if (name.starts_with("exif-") || name.starts_with("xmp-") || name.starts_with("iptc-") ||
        name.starts_with("png-comment") || name.ends_with("comment"))
      call<int(Image*, const char*)>("vips_image_remove")(image, *field);
  }
}

void Vips::save(Image* image, int fd, const std::string& mime, int quality) const {
  remove_metadata(image);
  auto* target = call<void*(int)>("vips_target_new_to_descriptor")(fd);
  if (target == nullptr) fail("the result cannot be written");
  using Save = int(Image*, void*, ...);
  const int failed = mime == "image/png" ? call<Save>("vips_pngsave_target")(image, target, "strip", 1, nullptr)
                     : mime == "image/webp"
                         ? call<Save>("vips_webpsave_target")(image, target, "strip", 1, "Q", quality, nullptr)
                         : call<Save>("vips_jpegsave_target")(image, target, "strip", 1, "Q", quality, nullptr);
  if (failed != 0) fail("cannot encode");
}

}  // namespace simpleim::media
