#pragma once

#include "media/metadata/metadata.h"

/// One function a container; each adds what metadata_edits() promises. All throw MalformedMedia.
namespace simpleim::media {

/// JPEG (ITU-T T.81 B.1.1): segments up to the end of the image, of every scan.
void jpeg_edits(MediaInput& in, int orientation, EditList& edits);
/// PNG (W3C PNG third edition, 5 and 11.3): chunks.
void png_edits(MediaInput& in, int orientation, EditList& edits);
/// WebP (RFC 9649 section 2): RIFF chunks.
void webp_edits(MediaInput& in, int orientation, EditList& edits);
/// GIF89a: comments and application extensions.
void gif_edits(MediaInput& in, EditList& edits);
/// MP4, QuickTime, 3GP (ISO/IEC 14496-12): boxes; also the samples of tracks of metadata (place, movement).
void mp4_edits(MediaInput& in, EditList& edits);
/// WebM, Matroska (RFC 9559): elements before the first cluster and those behind that can be reached.
void matroska_edits(MediaInput& in, EditList& edits);

/// EXIF's TIFF structure with nothing but the orientation (CIPA DC-008 4.6.4), 26 bytes.
std::string exif_of(int orientation);

}  // namespace simpleim::media
