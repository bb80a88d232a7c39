"""Files: quotas hold whatever way bytes come, and one user's pictures keep no other upload waiting."""
import io
import os
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import Server, User, wait_until
from harness.files import upload
from harness.raw import everything, plug
from PIL import Image


def form(content, name="a.bin"):
    return (f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode() + content + b"\r\n--b--\r\n")


def post(user, content, name="a.bin"):
    return user.api.raw("POST", "/api/files", form(content, name), {"Content-Type": "multipart/form-data; boundary=b"})


def bytes_on_disk(server):
    return sum(p.stat().st_blocks * 512 for p in (server.data_dir / "files").rglob("*") if p.is_file())


def create(user, size):
    return user.api.raw("POST", "/api/uploads", b"", {"Upload-Length": str(size), "Tus-Resumable": "1.0.0"})


def patch(user, upload, content, offset=0):
    return user.api.raw("PATCH", f"/api/uploads/{upload}", content, {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset), "Tus-Resumable": "1.0.0"})[0]


@pytest.mark.embedded
def test_a_refused_file_leaves_nothing_on_the_disk():
    with Server({"files.quota_bytes": 1_000_000}) as server:
        alice = User(server)
        assert post(alice, os.urandom(900_000))[0] == 200
        full = bytes_on_disk(server)
        for _ in range(4):
            status, answer = post(alice, os.urandom(900_000))
            assert (status, answer["code"]) == (507, 50701)
        # In chunks nobody says beforehand how much will come.
        with plug(server) as s:
            body = form(os.urandom(900_000))
            s.sendall((f"POST /api/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nConnection: close\r\n"
                       "Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n").encode())
            try:
                for i in range(0, len(body), 50_000):
                    piece = body[i:i + 50_000]
                    s.sendall(b"%x\r\n" % len(piece) + piece + b"\r\n")
                s.sendall(b"0\r\n\r\n")
            except ConnectionError:
                pass
            assert everything(s).startswith(b"HTTP/1.1 507 ")
        wait_until(lambda: bytes_on_disk(server) <= full + 8192)
        assert post(alice, os.urandom(50_000))[0] == 200, "what is left may be used"


def test_open_uploads_count():
    with Server({"files.quota_bytes": 1_000_000}) as server:
        alice = User(server)
        status, answer = create(alice, 900_000)
        assert status == 201
        upload = answer["data"]["upload_id"]
        assert create(alice, 900_000)[0] == 507
        assert post(alice, os.urandom(200_000))[0] == 507
        assert patch(alice, upload, os.urandom(900_000)) == 204, "its own bytes are not counted twice"
        assert alice.api("GET", f"/api/uploads/{upload}")["file"]["file_size"] == 900_000
        assert create(alice, 50_000)[0] == 201
        alice.api.raw("DELETE", f"/api/uploads/{upload}", None, {"Tus-Resumable": "1.0.0"})


def png(width, height, depth=16):
    """Slow to look at, small to send: one colour in 16 bits a channel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    row = b"\0" + b"\x7f\x10\x20\x30\x40\x50\xff\xff" * width
    packed = zlib.compressobj(9)
    data = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 6, 0, 0, 0)) +
            chunk(b"eXIf", b"II*\0\x08\0\0\0\0\0\0\0\0\0") + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def test_pictures_of_one_keep_no_file_of_another_waiting(server, alice, bob):
    slow = png(5000, 4000)

    def send_slow():
        try:
            post(alice, slow, "slow.png")
        except TimeoutError:
            pass  # a busy machine takes longer than a client waits; the server goes on all the same

    threads = [threading.Thread(target=send_slow) for _ in range(4)]
    for t in threads:
        t.start()
    wait_until(lambda: any((server.data_dir / "files").rglob("whole-media-*")) if not os.environ.get("TEST_STORE") else True, deadline_s=30)
    assert any(t.is_alive() for t in threads), "they were quicker than anybody: the test shows nothing"
    began = time.monotonic()
    upload = create(bob, 10)[1]["data"]["upload_id"]
    assert patch(bob, upload, b"0123456789") == 204
    assert post(bob, b"a text")[0] == 200
    took_text = time.monotonic() - began
    assert post(bob, png(8, 8), "small.png")[0] == 200
    assert any(t.is_alive() for t in threads), f"his picture stood behind all of hers ({took_text:.1f} s for texts)"
    for t in threads:
        t.join()


def test_whoever_decodes_a_picture_sees_no_secret(tmp_path):
    """Its process has an empty environment and none of the server's descriptors, and is confined before it decodes."""
    with Server(env={"SIMPLEIM_STORE_MYSQL_PASSWORD_OF_NOBODY": "canary"}) as server:
        user = User(server)
        out = io.BytesIO()
        Image.effect_noise((6000, 5000), 80).save(out, "JPEG", quality=92)
        seen = []
        with ThreadPoolExecutor(1) as pool:
            uploaded = pool.submit(upload, user, out.getvalue(), "noise.jpg")
            while not uploaded.done():
                seen += look_at_workers(server.process.pid)
        assert uploaded.result()["kind"] == "image"
    assert seen, "the worker was seen at work"
    assert all(environ == b"" for environ, _, _ in seen)
    confined = [descriptors for _, descriptors, is_confined in seen if is_confined]
    assert confined and all("socket:" not in d and ".db" not in d and "jwt" not in d for descriptors in confined for d in descriptors), confined


def look_at_workers(parent):
    """(environment, descriptors, whether a filter of system calls is in force) of each child that decodes."""
    seen = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"\nPPid:\t{parent}\n" in (status := (folder / "status").read_text()) and b"media-worker" in (folder / "cmdline").read_bytes():
                seen.append(((folder / "environ").read_bytes(), [os.readlink(d) for d in (folder / "fd").iterdir()], "\nSeccomp:\t2" in status))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return seen
