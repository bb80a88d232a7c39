"""Files: taken in streams, kept once, given only to those who may see them (protocol.md section 2)."""
import base64
import io
import json
import os
import random
import socket
import subprocess
import time
import urllib.parse
import wave
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import BINARY, Server, User, new_id, wait_until
from harness.files import Tus, download, form, picture, request, sha256, try_upload, upload
from harness.media import CANARY, SPEAKING, encoded, exif
from PIL import Image


def send_file(client, to, file, type=7, **content):
    message_id = new_id()
    frame = {"message_id": message_id, "type": type, "content": {"file_id": file["file_id"], **content}}
    frame.update({"to": to.id} if isinstance(to, User) else {"group_id": to})
    client.send(frame)
    return client.expect(type=30, message_id=message_id)["content"]


def sound():
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(bytes(4000))
    return out.getvalue()


def peak_memory(server):
    """VmHWM of the server, bytes."""
    text = open(f"/proc/{server.process.pid}/status").read()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024


def test_what_goes_up_comes_down(alice):
    data = os.urandom(300_000)
    file = upload(alice, data, "Bericht 报告.bin")
    assert (file["file_size"], file["sha256"], file["file_name"], file["kind"]) == (len(data), sha256(data), "Bericht 报告.bin", "file")
    status, headers, body = download(alice, f"/api/files/{file['file_id']}")
    assert status == 200 and body == data
    assert headers["content-disposition"].startswith("attachment;") and "filename*=UTF-8''Bericht%20%E6%8A%A5%E5%91%8A.bin" in headers["content-disposition"]
    assert headers["x-content-type-options"] == "nosniff" and "sandbox" in headers["content-security-policy"]
    assert request(alice.server, "GET", file["url"])[2] == data  # the signed link needs no token
    assert request(alice.server, "HEAD", f"/api/files/{file['file_id']}", token=alice.token)[1]["content-length"] == str(len(data))


@pytest.mark.parametrize("size", [0, 1, 2, 511 * 1024, 512 * 1024, 512 * 1024 + 1, 3_000_001])
def test_every_size_is_taken(alice, size):
    data = os.urandom(size)
    file = upload(alice, data)
    assert file["file_size"] == size and download(alice, f"/api/files/{file['file_id']}")[2] == data


def test_boundaries_may_fall_anywhere(alice):
    data = b"\r\n--bound\r\n--boun\r\n\r\n--" * 50
    body, content_type = form(data, boundary="boundary")
    for step in (1, 2, 3, 7, 64):
        with socket.create_connection(("127.0.0.1", alice.server.port)) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(f"POST /api/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nContent-Type: {content_type}\r\n"
                      f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
            for i in range(0, len(body), step):
                s.sendall(body[i:i + step])
            answer = b""
            while piece := s.recv(65536):
                answer += piece
        file = json.loads(answer.split(b"\r\n\r\n", 1)[1])["data"]
        assert file["sha256"] == sha256(data)


def test_chunked_bodies_are_taken(alice):
    data = os.urandom(200_000)
    body, content_type = form(data)
    pieces = iter([body[i:i + 5000] for i in range(0, len(body), 5000)])
    status, _, answer = request(alice.server, "POST", "/api/files", pieces, {"Content-Type": content_type, "Transfer-Encoding": "chunked"}, alice.token)
    assert status == 200 and json.loads(answer)["data"]["sha256"] == sha256(data)


@pytest.mark.parametrize("asked, status, first, last", [
    ("bytes=0-9", 206, 0, 9), ("bytes=100-", 206, 100, 999), ("bytes=-10", 206, 990, 999), ("bytes=990-2000", 206, 990, 999),
    ("bytes=1000-", 416, 0, 0), ("bytes=-0", 416, 0, 0), ("bytes=5-2", 200, 0, 999), ("bytes=0-1,5-6", 200, 0, 999), ("lines=1-2", 200, 0, 999),
    ("bytes=x-", 200, 0, 999), ("bytes=99999999999999999999-", 200, 0, 999)])
def test_ranges(alice, asked, status, first, last):
    data = os.urandom(1000)
    path = f"/api/files/{upload(alice, data)['file_id']}"
    got, headers, body = download(alice, path, Range=asked)
    assert got == status
    if status == 416:
        assert headers["content-range"] == "bytes */1000"
        return
    assert body == data[first:last + 1]
    if status == 206:
        assert headers["content-range"] == f"bytes {first}-{last}/1000"
    etag = headers["etag"]
    assert download(alice, path, If_None_Match=etag)[0] == 304
    assert download(alice, path, Range="bytes=0-9", If_Range='"other"')[0] == 200


def test_only_those_who_got_it_may_read_it(alice, bob, carol):
    file = upload(alice, b"for bob", "note.txt")
    path = f"/api/files/{file['file_id']}"
    for user in (bob, carol):
        assert download(user, path)[0] == 404
    a, b, c = alice.connect(), bob.connect(), carol.connect()
    assert send_file(b, carol, file)["code"] == 40401  # an id is no right
    assert send_file(a, bob, file)["seq"] == 1
    assert download(bob, path)[2] == b"for bob" and download(carol, path)[0] == 404
    assert download(bob, path)[1]["content-type"].startswith("text/plain")
    assert send_file(b, carol, file)["seq"]  # who may see it may pass it on
    assert download(carol, path)[2] == b"for bob"
    assert request(alice.server, "GET", path)[0] == 401
    assert download(alice, "/api/files/file_0000000000001")[0] == 404


def test_a_group_sees_it_while_one_is_in_it(alice, bob, carol):
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    file = upload(alice, b"x")
    path = f"/api/files/{file['file_id']}"
    send_file(alice.connect(), group, file)
    assert download(bob, path)[0] == 200
    alice.api("POST", f"/api/groups/{group}/members", {"user_ids": [carol.id]})
    assert download(carol, path)[0] == 404  # it was sent before she came
    alice.api("DELETE", f"/api/groups/{group}/members/{bob.id}")
    assert download(bob, path)[0] == 404


def cookie_of(user):
    """What a browser keeps of a sign-in, and the attributes it was given with."""
    status, body = user.api.raw("POST", "/api/login", {"username": user.name, "password": user.password})
    assert status == 200
    pair, *attributes = user.api.last_headers["set-cookie"].split("; ")
    return pair, attributes, body["data"]


def test_a_page_shows_the_picture_of_a_message_without_a_header(alice, bob, server):
    file = upload(alice, picture(size=(900, 900)))
    sent = send_file(alice.connect(), bob, file, 4)
    assert sent["seq"]
    content = bob.history(alice)["messages"][-1]["content"]
    pair, attributes, session = cookie_of(bob)
    assert pair.startswith("simpleim_files=") and {"Path=/api/files", "HttpOnly", "SameSite=Strict"} <= set(attributes) and "Secure" not in attributes
    image = lambda path, cookie: request(server, "GET", path, headers={"Cookie": cookie})
    for path in (content["url"], content["thumbnail_url"]):
        assert image(path, pair)[0] == 200 and image(path, f"theme=dark; {pair}; a=b")[0] == 200
        for bad in ("", "simpleim_files=", pair[:-1], pair + "0", pair.replace("simpleim", "x"), pair.replace(bob.id, alice.id), f"x{pair}"):
            assert image(path, bad)[0] == 401, bad
    assert image(content["url"], cookie_of(User(server))[0])[0] == 404, "somebody else's opens what he may see"
    # It is good for downloads alone, and no other token is a cookie.
    assert image("/api/users/me", pair)[0] == 401
    assert request(server, "POST", "/api/files/urls", json.dumps({"file_ids": [file["file_id"]]}), {"Cookie": pair, "Content-Type": "application/json"})[0] == 401
    assert request(server, "POST", "/api/files", b"", {"Cookie": pair, "Content-Type": "multipart/form-data; boundary=b"})[0] == 401
    assert request(server, "GET", content["url"], token=pair.split("=")[1])[0] == 401
    assert image(content["url"], f"simpleim_files={session['token']}")[0] == 401


def test_the_cookie_for_pictures_ends_with_its_session(alice, server):
    file = upload(alice, picture())
    pair, _, session = cookie_of(alice)
    path = f"/api/files/{file['file_id']}"
    assert request(server, "GET", path, headers={"Cookie": pair})[0] == 200
    alice.api.raw("POST", "/api/refresh", {"refresh_token": session["refresh_token"]})
    assert alice.api.last_headers["set-cookie"].split("; ")[0] == pair, "a refresh lengthens it"
    status, headers, _ = request(server, "POST", "/api/logout", token=session["token"])
    assert status == 200 and "simpleim_files=;" in headers["set-cookie"] and "Max-Age=0" in headers["set-cookie"]
    assert request(server, "GET", path, headers={"Cookie": pair})[0] == 401


def test_links_are_signed_for_one_user_and_one_file(alice, bob):
    file, other = upload(alice, b"one"), upload(alice, b"two")
    send_file(alice.connect(), bob, file)
    link = bob.api("POST", "/api/files/urls", {"file_ids": [file["file_id"], other["file_id"], "nonsense"]})["files"]
    assert [f["file_id"] for f in link] == [file["file_id"]]
    url = link[0]["url"]
    assert request(alice.server, "GET", url)[2] == b"one"
    assert request(alice.server, "GET", url.replace(file["file_id"], other["file_id"]))[0] == 401
    assert request(alice.server, "GET", url.replace(bob.id, alice.id))[0] == 401
    for key in ("expires", "signature"):
        value = url.split(f"{key}=")[1].split("&")[0]
        for forged in ("", "0", value[:-1], value[:-1] + ("0" if value[-1] != "0" else "1"), value + "0", "-1", "x"):
            assert request(alice.server, "GET", url.replace(f"{key}={value}", f"{key}={forged}"))[0] == 401, (key, forged)
    assert alice.api.error("POST", "/api/files/urls", {"file_ids": []}) == (400, 40002)
    assert alice.api.error("POST", "/api/files/urls", {"file_ids": ["x"] * 101}) == (400, 40002)


def test_the_server_says_what_a_file_message_carries(alice, bob):
    file = upload(alice, picture(size=(64, 48)), "pic.png")
    a, b = alice.connect(), bob.connect()
    send_file(a, bob, file, type=4, text="look", width=99999, url="javascript:alert(1)", file_name="../../evil", mime="text/html", sha256="x", recalled=True)
    content = b.expect(type=4)["content"]
    plain = f"/api/files/{file['file_id']}"
    assert content == {"file_id": file["file_id"], "url": plain, "thumbnail_url": f"{plain}/thumbnail", "width": 64, "height": 48,
                       "file_name": "pic.png", "file_size": file["file_size"], "mime": "image/png", "text": "look"}
    voice = upload(alice, sound(), "v.wav", duration="2.5")
    assert voice["kind"] == "audio", voice
    send_file(a, bob, voice, type=5, duration=2.5, waveform=[0, 128, 255])
    got = b.expect(type=5)["content"]
    assert got["duration"] == 2.5 and got["waveform"] == [0, 128, 255]
    for type, change in ((4, {}), (6, {})):
        assert send_file(a, bob, voice, type=type, **change)["code"] == 40002
    for change in ({"duration": -1}, {"duration": "x"}, {"waveform": [256]}, {"waveform": [0] * 257}, {"waveform": "x"}):
        assert send_file(a, bob, voice, type=5, **change)["code"] == 40002, change
    for bad in ("x", 5, None, "file_", "file_0000000000001"):
        assert send_file(a, bob, {"file_id": bad})["code"] in (40002, 40401)


def test_pictures_get_a_thumbnail(alice, bob):
    wide = upload(alice, picture("JPEG", (2000, 1000)), "wide.jpg")
    assert (wide["kind"], wide["width"], wide["height"], wide["mime"]) == ("image", 2000, 1000, "image/jpeg")
    status, headers, body = request(alice.server, "GET", wide["thumbnail_url"])
    assert status == 200 and headers["content-type"] == "image/webp" and headers["content-disposition"].startswith("inline")
    thumbnail = Image.open(io.BytesIO(body))
    assert thumbnail.format == "WEBP" and thumbnail.size == (480, 240)
    assert download(bob, f"/api/files/{wide['file_id']}/thumbnail")[0] == 404
    assert download(alice, f"/api/files/{upload(alice, b'text')['file_id']}/thumbnail")[0] == 404
    red = Image.open(io.BytesIO(request(alice.server, "GET", upload(alice, encoded("JPEG", color=(200, 30, 30)))["thumbnail_url"])[2])).getpixel((20, 20))
    assert max(abs(a - b) for a, b in zip(red, (200, 30, 30))) < 8, "colours stay as they are"
    original = picture()
    assert download(alice, f"/api/files/{upload(alice, original)['file_id']}")[2] == original  # without metadata it stays as it is


def with_exif(orientation=6):
    exif = Image.Exif()
    exif[0x0110] = "canary-camera"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 13.0)
    return picture("JPEG", (60, 40), exif=exif)


def heif(mode, colour):
    """On its side, as phones write it: turned by what stands beside the picture."""
    import pillow_heif
    image = pillow_heif.from_pillow(Image.new(mode, (60, 40), colour))
    out = io.BytesIO()
    image.save(out, quality=90, exif=exif(6).tobytes())
    return out.getvalue()


def encoded_as(format, mode, colour):
    out = io.BytesIO()
    Image.new(mode, (60, 40), colour).save(out, format, quality=90, exif=exif(6))
    return out.getvalue()


def test_pictures_lose_where_and_with_what_they_were_taken(alice):
    data = with_exif()
    assert b"canary-camera" in data
    file = upload(alice, data, "photo.jpg")
    body = download(alice, f"/api/files/{file['file_id']}")[2]
    shown = Image.open(io.BytesIO(body))
    assert b"canary" not in body and not shown.getexif() and shown.size == (40, 60) == (file["width"], file["height"])
    assert file["sha256"] == sha256(body) and file["file_size"] == len(body)
    kept = upload(alice, data, "photo.jpg", **{"as": "file"})
    assert kept["kind"] == "file" and download(alice, f"/api/files/{kept['file_id']}")[2] == data
    for photo in (data, picture("WEBP", (30, 20), exif=Image.open(io.BytesIO(data)).info["exif"])):
        assert b"canary" not in request(alice.server, "GET", upload(alice, photo)["thumbnail_url"])[2]
    webp = picture("WEBP", (30, 20), exif=Image.open(io.BytesIO(data)).info["exif"])
    assert b"canary" not in download(alice, f"/api/files/{upload(alice, webp)['file_id']}")[2]


@pytest.mark.parametrize("name", SPEAKING)
def test_nothing_says_where_and_with_what_it_was_made(alice, name):
    data, mime, frames = SPEAKING[name]
    assert CANARY in data or frames, "the canary is there, unless it is packed"
    file = upload(alice, data, "x")
    body = download(alice, f"/api/files/{file['file_id']}")[2]
    assert CANARY not in body and CANARY.decode() not in shown_texts(body, frames), file
    assert (file["mime"], file["sha256"], file["file_size"]) == (mime, sha256(body), len(body))
    if frames:
        assert file["kind"] == "image" and pixels(body) == pixels(data) and len(pixels(body)) == frames, "not decoded and encoded again"
        assert CANARY not in request(alice.server, "GET", file["thumbnail_url"])[2]
    elif b"mdat" in data:
        # Offsets still hold: a film's samples stay where they are.
        assert len(body) == len(data) and body.index(b"picture-samples") == data.index(b"picture-samples")
    else:
        assert len(body) == len(data)
    # What was cleaned once is clean.
    assert upload(alice, body, "x")["sha256"] == file["sha256"]
    kept = upload(alice, data, "x", **{"as": "file"})
    assert kept["kind"] == "file" and kept["sha256"] == sha256(data)


def pixels(data):
    image = Image.open(io.BytesIO(data))
    frames = []
    for i in range(getattr(image, "n_frames", 1)):
        image.seek(i)
        frames.append(image.convert("RGB").tobytes())
    return frames


def shown_texts(body, frames):
    return repr(Image.open(io.BytesIO(body)).info) + repr(dict(Image.open(io.BytesIO(body)).getexif())) if frames else ""


@pytest.mark.parametrize("format, size", [("JPEG", (9000, 8000)), ("PNG", (7001, 6000)), ("WEBP", (8200, 8000))])
def test_pictures_that_are_too_large_to_decode_lose_it_too(alice, format, size):
    out = io.BytesIO()
    how = {"compress_level": 1} if format == "PNG" else {"method": 0} if format == "WEBP" else {}
    Image.new("RGB" if format == "WEBP" else "L", size, 200).save(out, format, exif=exif(6), **how)
    file = upload(alice, out.getvalue(), "large")
    body = download(alice, f"/api/files/{file['file_id']}")[2]
    assert CANARY not in body and 0x0110 not in Image.open(io.BytesIO(body)).getexif()
    # It stands on its side in the file, and says so.
    assert Image.open(io.BytesIO(body)).getexif()[0x0112] == 6
    if format == "JPEG":
        assert (file["kind"], file["width"], file["height"]) == ("image", size[1], size[0])
        thumbnail = Image.open(io.BytesIO(request(alice.server, "GET", file["thumbnail_url"])[2]))
        assert thumbnail.size == (427, 480)
    else:
        assert file["kind"] == "file" and "thumbnail_url" not in file


@pytest.mark.parametrize("name, format, mode, mime, becomes", [
    ("IMG_0042.HEIC", "HEIF", "RGB", "image/jpeg", "IMG_0042.jpg"), ("写真.heic", "HEIF", "RGB", "image/jpeg", "写真.jpg"), ("cut.heif", "HEIF", "RGBA", "image/webp", "cut.webp"),
    ("sticker.avif", "AVIF", "RGBA", "image/webp", "sticker.webp"), ("photo.avif", "AVIF", "RGB", "image/jpeg", "photo.jpg"), ("noname", "AVIF", "RGB", "image/jpeg", "noname.jpg")])
def test_pictures_of_phones_are_shown_everywhere(alice, bob, name, format, mode, mime, becomes):
    colour = (200, 30, 30, 128)[:len(mode)]
    data = heif("RGBA" if mode == "RGBA" else "RGB", colour) if format == "HEIF" else encoded_as("AVIF", mode, colour)
    assert CANARY in data
    file = upload(alice, data, name)
    assert (file["kind"], file["mime"], file["file_name"], file["width"], file["height"]) == ("image", mime, becomes, 40, 60), file
    status, headers, body = download(alice, f"/api/files/{file['file_id']}")
    shown = Image.open(io.BytesIO(body))
    assert headers["content-type"] == mime and headers["content-disposition"].startswith("inline") and CANARY not in body
    assert shown.size == (40, 60) and not shown.getexif() and file["sha256"] == sha256(body)
    red, green, blue = shown.convert("RGB").getpixel((20, 30))
    assert abs(red - 200) < 12 and abs(green - 30) < 12 and abs(blue - 30) < 12
    assert shown.mode == mode
    a, b = alice.connect(), bob.connect()
    send_file(a, bob, file, type=4)
    assert b.expect(type=4)["content"]["mime"] == mime
    kept = upload(alice, data, name, **{"as": "file"})
    assert (kept["kind"], kept["file_name"], kept["sha256"]) == ("file", name, sha256(data))


def png_header(width, height):
    import struct
    import zlib
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name, data", [
    ("flood", png_header(50_000, 50_000)), ("zero", png_header(0, 0)), ("truncated", picture("JPEG", (500, 500))[:300]), ("lies", png_header(3000, 3000)),
    ("only magic", b"\xff\xd8\xff\xe0"), ("gif", b"GIF89a\xff\xff\xff\xff\xff\xff\xff")])
def test_pictures_that_cannot_be_decoded_are_files(alice, bob, name, data):
    before = peak_memory(alice.server)
    file = upload(alice, data, name)
    assert file["kind"] in ("file", "image")  # what libvips can make of half a picture is a picture
    if file["kind"] == "file":
        assert "thumbnail_url" not in file and send_file(alice.connect(), bob, file, type=4)["code"] == 40002
    assert download(alice, f"/api/files/{file['file_id']}")[2] == data
    assert peak_memory(alice.server) - before < 8 << 20


def test_pictures_are_processed_while_others_chat(alice, bob):
    a, b = alice.connect(), bob.connect()
    import threading
    data = picture("JPEG", (3000, 2000))
    threads = [threading.Thread(target=upload, args=(alice, data + bytes([i]))) for i in range(6)]
    for t in threads:
        t.start()
    for i in range(50):
        a.say(bob, str(i))
    for t in threads:
        t.join()
    assert [b.expect(type=1)["content"]["text"] for _ in range(50)] == [str(i) for i in range(50)]


HOSTILE_NAMES = [
    "../../etc/passwd", "..\\..\\boot.ini", "/etc/shadow", "C:\\Windows\\system32\\cmd.exe", "a\r\nX-Evil: 1", "a\x00b.txt",
    "\u200b\u200b", "...", ".", "..", "", " ", ".htaccess", "x" * 5000 + ".txt", "名" * 300 + ".pdf", "a%0d%0ab", "a%2f..%2fb", "con",
    "a\"; filename=\"b", "a;b=c", "a'b", "<img src=x onerror=alert(1)>.png", "\ufeffbom.txt", "a\x7fb", "a\x85b", "emoji 👨‍👩‍👧.txt"]


# Multipart names are not percent-encoded but for a quote and line breaks (WHATWG).
@pytest.mark.parametrize("name", ["50%25 off.txt", "a%20b.txt", "100%.txt", ".gitignore", ".env.local", "👨‍👩‍👧.txt", "می‌خواهم.txt", "é.txt", "a + b & c.txt", "  b.txt".strip(), "%0d%0a.txt", "%E4%BD%A0.txt"])
def test_harmless_names_stay_as_they_are(alice, name):
    file = upload(alice, b"x", name)
    assert file["file_name"] == name
    _, headers, _ = download(alice, f"/api/files/{file['file_id']}")
    assert urllib.parse.unquote(headers["content-disposition"].split("filename*=UTF-8''")[1]) == name


@pytest.mark.parametrize("name", ["evil\u202egnp.exe", "\u2066a\u2069.txt", "a\u202a.txt", "\u2067b"])
def test_names_that_turn_themselves_around_are_refused(alice, name):
    status, answer = try_upload(alice, b"x", name)
    assert (status, answer["code"]) == (400, 40002)
    about = base64.b64encode(name.encode()).decode()
    status, answer = alice.api.raw("POST", "/api/uploads", b"", {"Upload-Length": "1", "Tus-Resumable": "1.0.0", "Upload-Metadata": f"filename {about}"})
    assert (status, answer["code"]) == (400, 40002)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_are_only_names(alice, name):
    quoted = name.replace("\\", "\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    file = upload(alice, b"x", quoted)
    shown = file["file_name"]
    assert shown.strip(". ") and len(shown.encode()) <= 255 and "/" not in shown and "\\" not in shown
    assert not any(ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or c in "\u200b\ufeff" for c in shown), repr(shown)
    status, headers, body = download(alice, f"/api/files/{file['file_id']}")
    assert status == 200 and body == b"x" and "x-evil" not in headers
    assert "\n" not in headers["content-disposition"]
    if len(name) > 255:
        assert shown.endswith(name[-4:])


@pytest.mark.parametrize("data, name", [
    (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "a.svg"), (b"<!DOCTYPE html><script>alert(1)</script>", "a.png"),
    (b"<?xml version='1.0'?><x/>", "a.xml"), (b"%PDF-1.4\n%", "a.pdf"), (b"GIF89a/*<script>*/=1;//", "a.gif"), (b"#!/bin/sh\n", "a.jpg"),
    (picture()[:60] + b"<html><script>alert(1)</script>", "polyglot.html")])
def test_what_could_run_is_downloaded(alice, data, name):
    file = upload(alice, data, name)
    _, headers, body = download(alice, f"/api/files/{file['file_id']}")
    assert body == data and "sandbox" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"
    if file["kind"] == "file":
        assert headers["content-disposition"].startswith("attachment")
    assert "html" not in headers["content-type"] and "svg" not in headers["content-type"] and "script" not in headers["content-type"]


def test_bad_uploads_are_refused_with_a_reason(alice):
    good, content_type = form(b"x")
    call = lambda body, kind: (lambda s, h, b: (s, json.loads(b)["code"]))(*request(alice.server, "POST", "/api/files", body, {"Content-Type": kind}, alice.token))
    assert call(good, content_type) == (200, 0)
    assert call(b"{}", "application/json") == (415, 41501)
    assert call(good, "multipart/form-data") == (415, 41501)
    assert call(good, "multipart/form-data; boundary=") == (415, 41501)
    assert call(good, "multipart/form-data; boundary=" + "x" * 71) == (415, 41501)
    assert call(good, "multipart/form-data; boundary=other") == (400, 40002)
    assert call(good[:-10], content_type) == (400, 40002)
    assert call(good.replace(b'name="file"', b'name="other"'), content_type) == (400, 40002)
    assert call(good.replace(b"Content-Disposition", b"No-Colon-Here").replace(b": form", b" form"), content_type) == (400, 40002)
    assert call(good.replace(b"\r\n\r\nx", b"\r\nX: " + b"y" * 9000 + b"\r\n\r\nx"), content_type) == (400, 40002)
    assert call(form(b"x", duration="soon")[0], form(b"x")[1]) == (400, 40002)
    for duration in ("-1", "nan", "1e9", "inf", "x"):
        assert try_upload(alice, b"x", duration=duration)[1]["code"] == 40002, duration
    assert try_upload(alice, b"x", note="y" * 2000)[1]["code"] == 40002
    status, _, body = request(alice.server, "POST", "/api/files", good, {"Content-Type": content_type})
    assert (status, json.loads(body)["code"]) == (401, 40101)


def test_limits_of_size_number_and_quota():
    with Server({"files.max_bytes": 100_000, "files.quota_bytes": 250_000, "files.quota_files": 5, "files.uploads_per_minute": 0}) as server:
        alice, bob = User(server), User(server)
        assert try_upload(alice, bytes(100_001))[1]["code"] == 41301
        assert try_upload(alice, bytes(300_000))[1]["code"] == 41301
        assert try_upload(alice, bytes(100_000))[0] == 200 and try_upload(alice, os.urandom(100_000))[0] == 200
        assert try_upload(alice, bytes(60_000))[1]["code"] == 50701
        assert try_upload(bob, bytes(60_000))[0] == 200
        for _ in range(3):
            assert try_upload(alice, b"x")[0] == 200
        assert try_upload(alice, b"x")[1]["code"] == 50701
    with Server({"files.uploads_per_minute": 3}) as server:
        alice = User(server)
        answers = [try_upload(alice, b"x") for _ in range(5)]
        assert [s for s, _ in answers] == [200, 200, 200, 429, 429] and answers[-1][1]["code"] == 42901


def test_a_large_upload_passes_through_little_memory(alice):
    upload(alice, b"warm")
    before = peak_memory(alice.server)
    size = 200 << 20
    piece = os.urandom(1 << 20)
    head, content_type = form(b"")
    end = head.rindex(b"\r\n--")
    length = len(head) + size

    def body():
        yield head[:end]
        for _ in range(size // len(piece)):
            yield piece
        yield head[end:]

    started = time.monotonic()
    status, _, answer = request(alice.server, "POST", "/api/files", body(), {"Content-Type": content_type, "Content-Length": str(length)}, alice.token)
    print(f"{size / (time.monotonic() - started) / 1e6:.0f} MB/s up")
    file = json.loads(answer)["data"]
    assert status == 200 and file["file_size"] == size
    assert peak_memory(alice.server) - before < 12 << 20
    status, _, got = download(alice, f"/api/files/{file['file_id']}")
    assert status == 200 and len(got) == size and got[-len(piece):] == piece
    assert peak_memory(alice.server) - before < 16 << 20


def stored(server):
    return sorted(p.name for p in (server.data_dir / "files").rglob("*") if p.is_file())


@pytest.mark.embedded
def test_equal_contents_are_kept_once_and_broken_uploads_leave_nothing():
    with Server() as server:
        alice, bob = User(server), User(server)
        data = os.urandom(50_000)
        for user in (alice, bob, alice):
            upload(user, data)
        assert stored(server) == [sha256(data)]
        body, content_type = form(os.urandom(2_000_000))
        with socket.create_connection(("127.0.0.1", server.port)) as s:
            s.sendall(f"POST /api/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nContent-Type: {content_type}\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:1_500_000])
            wait_until(lambda: len(stored(server)) == 2, "the upload to begin")
        wait_until(lambda: stored(server) == [sha256(data)], "the broken upload to be removed")
        server.kill()
        (server.data_dir / "files" / "tmp" / "whole-7").write_bytes(b"left by a crash")
        server.restart()
        assert stored(server) == [sha256(data)]


def test_recalled_files_are_gone(alice, bob):
    file = upload(alice, b"oops")
    a = alice.connect()
    sent = send_file(a, bob, file)
    message_id = new_id()
    a.send({"message_id": message_id, "type": 32, "content": {"message_id": sent["message_id"]}})
    assert a.expect(type=30, message_id=message_id)["content"]["seq"] == 2
    for user in (alice, bob):
        assert download(user, f"/api/files/{file['file_id']}")[0] == 404
    assert file["file_id"] not in str(alice.history(bob))


# ---------------------------------------------------------------- in parts


def test_an_upload_in_parts_is_one_file(alice):
    tus = Tus(alice)
    data = os.urandom(1_000_000)
    path = tus.create(len(data), "big 大.bin")
    assert tus.offset(path) == 0
    for start in range(0, len(data), 300_000):
        status, headers, body = tus.patch(path, start, data[start:start + 300_000])
        assert status == 204 and int(headers["upload-offset"]) == min(start + 300_000, len(data)), body
    result = tus.result(path)
    assert result["file"]["sha256"] == sha256(data) and result["file"]["file_name"] == "big 大.bin"
    assert download(alice, f"/api/files/{result['file']['file_id']}")[2] == data
    assert tus.result(path)["file"]["file_id"] == result["file"]["file_id"]
    assert tus.patch(path, len(data), b"")[0] == 204  # a repeated end is no second file
    assert tus.offset(path) == len(data)


def test_parts_replayed_at_once_and_out_of_order_are_one_file(alice):
    """reliability.md D19"""
    tus = Tus(alice)
    rng = random.Random(7)
    data = os.urandom(400_000)
    path = tus.create(len(data))
    pieces = [(start, data[start:start + 50_000]) for start in range(0, len(data), 50_000)]
    while tus.offset(path) < len(data):
        rng.shuffle(pieces)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda piece: tus.patch(path, *piece)[0], pieces * 2))
        assert set(answers) <= {204, 409}, answers
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: tus.result(path)["file"], range(16)))
    assert {file["file_id"] for file in results} == {results[0]["file_id"]}
    assert results[0]["sha256"] == sha256(data) and download(alice, f"/api/files/{results[0]['file_id']}")[2] == data


def test_what_the_protocol_of_parts_forbids(alice, bob):
    tus = Tus(alice)
    path = tus.create(10)
    assert tus.patch(path, 5, b"x")[0] == 409
    assert tus.call("PATCH", path, b"x", Upload_Offset=0, Content_Type="text/plain")[0] == 415
    assert tus.patch(path, 0, b"x" * 11)[0] == 413
    assert tus.patch(path, tus.offset(path), b"abc")[0] == 204 and tus.offset(path) == 3
    assert tus.patch(path, 0, b"abc")[0] == 409  # replayed
    for method in ("HEAD", "DELETE", "PATCH"):
        assert Tus(bob).call(method, path, Upload_Offset=3, Content_Type="application/offset+octet-stream")[0] == 404
    for size in ("", "-1", "x", "1.5"):
        assert tus.call("POST", "/api/uploads", Upload_Length=size)[0] == 400
    assert tus.call("OPTIONS", "/api/uploads")[1]["tus-extension"] == "creation,termination"
    assert tus.call("DELETE", path)[0] == 204
    assert tus.call("HEAD", path)[0] == 404 and tus.patch(path, 3, b"d")[0] == 404


@pytest.mark.embedded
def test_a_cut_upload_goes_on_where_it_was_also_after_a_crash():
    with Server() as server:
        alice = User(server)
        tus = Tus(alice)
        data = os.urandom(3_000_000)
        path = tus.create(len(data))
        rng = random.Random(5)
        offset, cuts = 0, 0
        while offset < len(data) and cuts < 12:
            cuts += 1
            more = rng.randrange(200_000, 700_000)
            with socket.create_connection(("127.0.0.1", server.port)) as s:
                s.sendall(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
                          f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data) - offset}\r\n\r\n".encode() + data[offset:offset + more])
                if cuts % 3 == 0:
                    server.kill()
                    server.restart()
            if cuts % 3 != 0:  # asking for the offset ends the piece that is still being read
                parts = list((server.data_dir / "files" / "tmp").glob("part-*"))
                wait_until(lambda: not all(p.exists() and p.stat().st_size <= offset for p in parts))
            offset = tus.offset(path)
        assert offset > 0
        assert tus.patch(path, offset, data[offset:])[0] == 204
        assert tus.result(path)["file"]["sha256"] == sha256(data)


def test_an_empty_file_in_parts_is_whole_at_once(alice, bob):
    tus = Tus(alice)
    path = tus.create(0)
    file = tus.result(path)["file"]
    assert (file["file_size"], file["sha256"]) == (0, sha256(b""))
    send_file(alice.connect(), bob, file)
    assert download(bob, f"/api/files/{file['file_id']}")[2] == b""


@pytest.mark.embedded
def test_a_newer_connection_takes_over_from_a_dead_one(alice):
    tus = Tus(alice)
    data = os.urandom(2_000_000)
    path = tus.create(len(data))
    with socket.create_connection(("127.0.0.1", alice.server.port)) as dead:
        dead.sendall(f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                     f"Content-Type: application/offset+octet-stream\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data[:1_200_000])
        wait_until(lambda: any(p.stat().st_size > 0 for p in (alice.server.data_dir / "files" / "tmp").glob("part-*")))
        offset = tus.offset(path)
        assert tus.patch(path, offset, data[offset:])[0] == 204
        dead.sendall(data[1_200_000:])
        assert tus.result(path)["file"]["sha256"] == sha256(data)


def test_pictures_in_parts_and_as_files(alice):
    tus = Tus(alice)
    data = with_exif()
    path = tus.create(len(data), "p.jpg")
    tus.patch(path, 0, data)
    assert tus.result(path)["file"]["kind"] == "image" and tus.result(path)["file"]["width"] == 40
    path = tus.create(len(data), "p.jpg", **{"as": "file"})
    tus.patch(path, 0, data)
    assert tus.result(path)["file"]["kind"] == "file" and tus.result(path)["file"]["sha256"] == sha256(data)


@pytest.mark.embedded
def test_a_backup_has_the_files():
    with Server() as server:
        user = User(server)
        data = os.urandom(1000)
        file = upload(user, data)
        target = server.data_dir / "backup"
        subprocess.run([BINARY, "backup", str(target), "--data-dir", str(server.data_dir)], check=True, capture_output=True)
        assert (target / "files" / sha256(data)[:2] / sha256(data)).read_bytes() == data
        assert file["file_size"] == 1000


def test_pictures_of_people_and_groups_are_for_everyone(alice, bob, carol):
    file = upload(alice, picture(), "me.png")
    assert download(bob, f"/api/files/{file['file_id']}")[0] == 404
    assert alice.api("PATCH", "/api/users/me", {"avatar_file_id": file["file_id"]})["avatar_file_id"] == file["file_id"]
    assert bob.api("GET", f"/api/users/{alice.id}")["avatar_file_id"] == file["file_id"]
    assert download(bob, f"/api/files/{file['file_id']}/thumbnail")[0] == 200
    text = upload(alice, b"no picture")
    for wrong in (text["file_id"], "x", file["file_id"][:-1]):
        assert alice.api.error("PATCH", "/api/users/me", {"avatar_file_id": wrong}) == (400, 40002), wrong
    for user, wrong in ((alice, "file_0000000000001"), (bob, file["file_id"])):
        assert user.api.error("PATCH", "/api/users/me", {"avatar_file_id": wrong}) == (404, 40401)
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    sign = upload(alice, picture(color=(0, 0, 200)))
    assert alice.api("PATCH", f"/api/groups/{group}", {"avatar_file_id": sign["file_id"]})["avatar_file_id"] == sign["file_id"]
    assert bob.api.error("PATCH", f"/api/groups/{group}", {"avatar_file_id": ""}) == (403, 40302)
    members = bob.api("GET", f"/api/groups/{group}/members")["members"]
    assert {m["avatar_file_id"] for m in members} == {file["file_id"], ""}
    assert alice.api("PATCH", "/api/users/me", {"avatar_file_id": ""})["avatar_file_id"] == ""


def test_what_no_store_takes_is_refused_also_without_a_limit():
    with Server({"files.max_bytes": 0, "files.quota_bytes": 0}) as server:
        alice = User(server)
        for size in (1 << 44, 1 << 44, (1 << 44) + 1, (1 << 63) - 1):
            status, _ = alice.api.raw("POST", "/api/uploads", b"", {"Upload-Length": str(size), "Tus-Resumable": "1.0.0"})
            assert status == (201 if size == 1 << 44 else 413), size
        assert upload(alice, b"still good")["file_size"] == 10


def test_a_picture_that_is_shown_no_more_is_nobody_elses_any_more(alice, bob):
    seen = lambda file: download(bob, f"/api/files/{file['file_id']}")[0] == 200
    first, second = (upload(alice, picture(color=(n, 0, 0))) for n in (1, 2))
    group = alice.api("POST", "/api/groups", {"name": "g"})["group_id"]
    show = lambda path, file: alice.api("PATCH", path, {"avatar_file_id": file["file_id"] if file else ""})
    show("/api/users/me", first)
    show("/api/users/me", first)
    show(f"/api/groups/{group}", first)
    show("/api/users/me", second)
    assert seen(first) and seen(second), "the group shows the first one"
    show(f"/api/groups/{group}", None)
    assert not seen(first) and seen(second)
    show(f"/api/groups/{group}", second)
    alice.api("DELETE", f"/api/groups/{group}")
    assert seen(second), "she shows it"
    show("/api/users/me", None)
    assert not seen(second) and download(alice, f"/api/files/{second['file_id']}")[0] == 200
