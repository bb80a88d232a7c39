"""Contents that say where and with what they were made, byte by byte as cameras, phones and programs write them."""
import io
import struct
import zlib

from PIL import Image, PngImagePlugin

#: Stands in every piece of metadata; must not be in what others get.
CANARY = b"canary-48.137N-11.575E-Pixel-9"


def box(kind, *parts):
    data = b"".join(parts)
    return struct.pack(">I", 8 + len(data)) + kind + data


def full(kind, *parts, version=0):
    return box(kind, bytes([version, 0, 0, 0]), *parts)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def exif(orientation=1):
    made = Image.Exif()
    made[0x0110] = CANARY.decode()
    made[0x0112] = orientation
    made.get_ifd(0x8825)[2] = (48.0, 8.0, 13.0)
    return made


def encoded(format, size=(64, 48), frames=1, color=(0, 90, 160), **how):
    images = [Image.new("RGB", size, (color[0] + 40 * i, *color[1:])) for i in range(frames)]
    out = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:], "duration": 80} if frames > 1 else {}
    images[0].save(out, format, **more, **how)
    return out.getvalue()


def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments, behind=b"", **how):
    plain = encoded("JPEG", **how)
    return plain[:2] + b"".join(segments) + plain[2:] + behind


def png(*chunks, behind=b"", **how):
    plain = encoded("PNG", **how)
    after_header = 8 + 25
    return plain[:after_header] + b"".join(chunks) + plain[after_header:] + behind


def webp(*chunks, **how):
    """With the extended header, which alone may have metadata."""
    plain = encoded("WEBP", exif=exif(), **how)
    riff = plain[12:] + b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) & 1) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(riff)) + b"WEBP" + riff


def gif(*extensions, frames=1):
    plain = encoded("GIF", frames=frames)
    assert plain[-1:] == b";"
    return plain[:-1] + b"".join(extensions) + b";"


def gif_blocks(data):
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"


def track(handler, samples_at, sizes, *inside):
    """A track whose samples lie in one chunk."""
    stbl = box(b"stbl", full(b"stsz", struct.pack(">II", 0, len(sizes)), b"".join(struct.pack(">I", s) for s in sizes)),
               full(b"stsc", struct.pack(">IIII", 1, 1, len(sizes), 1)), full(b"stco", struct.pack(">II", 1, samples_at)))
    mdia = box(b"mdia", full(b"hdlr", b"\0" * 4, handler, b"\0" * 13), box(b"minf", stbl))
    return box(b"trak", mdia, *inside)


def mp4(*of_movie, brand=b"isom", of_track=(), top=(), telemetry=b"", picture=b"picture-samples" * 20):
    """Two tracks: pictures, and what a camera measured meanwhile."""
    head = box(b"ftyp", brand, b"\0\0\2\0", brand, b"mp41")
    samples_at = len(head) + 8
    media = box(b"mdat", picture, telemetry)
    tracks = [track(b"vide", samples_at, [len(picture)], *of_track)]
    if telemetry:
        tracks.append(track(b"meta", samples_at + len(picture), [10] * (len(telemetry) // 10)))
    return head + media + box(b"moov", full(b"mvhd", b"\0" * 96), *tracks, *of_movie) + b"".join(top)


def element(identity, data, size_bytes=4):
    """Matroska: a size of so many bytes."""
    size = len(data) | 1 << (7 * size_bytes)
    return identity + size.to_bytes(size_bytes, "big") + data


def webm(*elements, live=False):
    head = element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"webm", 1))
    inside = element(b"\x15\x49\xa9\x66", element(b"\x2a\xd7\xb1", b"\x0f\x42\x40")) + b"".join(elements)
    cluster = element(b"\xe7", b"\0")
    if live:  # sizes are not known
        return head + b"\x18\x53\x80\x67\x01" + b"\xff" * 7 + inside + b"\x1f\x43\xb6\x75\x01" + b"\xff" * 7 + cluster
    return head + element(b"\x18\x53\x80\x67", inside + element(b"\x1f\x43\xb6\x75", cluster))


TAGS = element(b"\x12\x54\xc3\x67", element(b"\x73\x73", CANARY))
#: Google's and Samsung's moving pictures: a film behind the picture.
MOTION = mp4(box(b"udta", box(b"\xa9xyz", CANARY)))
XMP = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>" + CANARY + b"</x:xmpmeta>"
_TEXT = PngImagePlugin.PngInfo()
_TEXT.add_text("Comment", CANARY.decode())
_TEXT.add_itxt("GPS", CANARY.decode())
_TEXT.add_text("Camera", CANARY.decode() * 3, zip=True)

#: Each with a media type and what is shown of it afterwards: (name, bytes, mime, frames).
SPEAKING = {
    "JPEG with a comment": (jpeg(segment(0xFE, CANARY)), "image/jpeg", 1),
    "JPEG with EXIF": (encoded("JPEG", exif=exif()), "image/jpeg", 1),
    "JPEG with XMP": (jpeg(segment(0xE1, XMP)), "image/jpeg", 1),
    "JPEG with IPTC": (jpeg(segment(0xED, b"Photoshop 3.0\0" + CANARY)), "image/jpeg", 1),
    "JPEG with a maker's segment": (jpeg(segment(0xE7, CANARY)), "image/jpeg", 1),
    "JPEG with fill bytes and EXIF": (jpeg(b"\xff\xff\xff" + segment(0xE1, b"Exif\0\0" + exif().tobytes())), "image/jpeg", 1),
    "progressive JPEG with EXIF": (encoded("JPEG", exif=exif(), progressive=True), "image/jpeg", 1),
    "JPEG with a film behind it": (jpeg(behind=MOTION), "image/jpeg", 1),
    "JPEG with a second picture behind it": (jpeg(segment(0xE2, b"MPF\0" + CANARY), behind=encoded("JPEG", exif=exif())), "image/jpeg", 1),
    "JPEG with everything": (jpeg(segment(0xFE, CANARY), segment(0xE1, XMP), segment(0xED, CANARY), behind=CANARY), "image/jpeg", 1),
    "PNG with texts": (encoded("PNG", pnginfo=_TEXT), "image/png", 1),
    "PNG with EXIF": (encoded("PNG", exif=exif()), "image/png", 1),
    "PNG with a time and a private chunk": (png(chunk(b"tIME", b"\7\xea\1\1\1\1\1"), chunk(b"caBX", CANARY)), "image/png", 1),
    "PNG with something behind it": (png(behind=CANARY), "image/png", 1),
    "animated PNG with EXIF": (encoded("PNG", frames=3, exif=exif()), "image/png", 3),
    "animated PNG with texts": (encoded("PNG", frames=3, pnginfo=_TEXT), "image/png", 3),
    "WebP with EXIF": (encoded("WEBP", exif=exif()), "image/webp", 1),
    "WebP with XMP and an unknown chunk": (webp((b"XMP ", CANARY), (b"JUNK", CANARY)), "image/webp", 1),
    "animated WebP with EXIF": (encoded("WEBP", frames=4, exif=exif()), "image/webp", 4),
    "GIF with a comment": (gif(b"\x21\xfe" + gif_blocks(CANARY)), "image/gif", 1),
    "animated GIF with XMP": (gif(b"\x21\xff\x0bXMP DataXMP" + gif_blocks(CANARY * 10), frames=3), "image/gif", 3),
    "MP4 of Android": (mp4(box(b"udta", box(b"\xa9xyz", CANARY))), "video/mp4", 0),
    "MP4 with metadata of the film, the track and the file": (
        mp4(full(b"meta", CANARY), box(b"uuid", b"u" * 16, CANARY), of_track=(box(b"udta", CANARY), full(b"meta", CANARY)),
            top=(full(b"meta", CANARY), box(b"uuid", b"u" * 16, CANARY), box(b"udta", CANARY))), "video/mp4", 0),
    "film of an iPhone": (mp4(box(b"meta", full(b"hdlr", b"\0" * 4, b"mdta"), box(b"ilst", CANARY)), brand=b"qt  "), "video/quicktime", 0),
    "film of an action camera": (mp4(telemetry=CANARY * 10), "video/mp4", 0),
    "voice memo": (mp4(box(b"udta", box(b"\xa9xyz", CANARY)), brand=b"M4A "), "audio/x-m4a", 0),
    "WebM with tags": (webm(TAGS), "video/webm", 0),
    "WebM recorded live, with tags": (webm(TAGS, live=True), "video/webm", 0),
    "WebM with an attachment": (webm(element(b"\x19\x41\xa4\x69", CANARY * 100, 8)), "video/webm", 0),
}
