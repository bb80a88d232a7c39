#pragma once

#include <string>

namespace simpleim::media {

/// The few calls of libvips that the worker needs (libvips 8.14: vips.h). The library and the hundred behind it are
/// loaded here, by name, so that the server starts without them. Objects live until the process ends. Throws
/// std::runtime_error with libvips' own words.
class Vips {
 public:
  struct Image;  // VipsImage

  /// Loads and starts the library; opens files, so it comes before confine_process().
  Vips();

  /// The picture at descriptor `fd`, its header read and nothing decoded.
  Image* open(int fd) const;
  int width(Image* image) const { return number("vips_image_get_width", image); }
  int height(Image* image) const { return number("vips_image_get_height", image); }
  /// 1 to 8, as in EXIF.
  int orientation(Image* image) const { return number("vips_image_get_orientation", image); }
  int pages(Image* image) const { return number("vips_image_get_n_pages", image); }
  bool has_alpha(Image* image) const { return number("vips_image_hasalpha", image) != 0; }

  /// The picture at `fd`, from its beginning: upright, in sRGB, at most `side` pixels a side, never larger than it is.
  Image* shrunk(int fd, int side) const;
  /// Encodes without metadata. `mime`: image/jpeg, image/png or image/webp; `quality`: 1 to 100, not for PNG.
  void save(Image* image, int fd, const std::string& mime, int quality) const;

 private:
  template <class Function>
  Function* call(const char* name) const;
  int number(const char* name, Image* image) const { return call<int(Image*)>(name)(image); }
  void* source(int fd) const;
  void remove_metadata(Image* image) const;
  [[noreturn]] void fail(const std::string& what) const;

  void* library_;
};

}  // namespace simpleim::media
