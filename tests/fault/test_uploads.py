"""Uploads over crashes and full disks: a whole file or none, and what was acknowledged can be opened
(reliability.md D18, D19, F07)."""
import http.client
import os
import re
import shutil
import signal
import sqlite3
import subprocess

from harness import Server, User, wait_until
from harness.files import Tus, download, picture, sha256, try_upload, upload

# What an upload asks of the system, from its first byte to its answer.
CALLS = ["write", "fsync", "mkdir", "utimensat", "link", "pwrite64", "fdatasync", "unlink", "sendmsg"]


class Strace:
    """Follows a running server; with `inject` it tampers with the calls that it names."""

    def __init__(self, server, *arguments):
        self.process = subprocess.Popen(["strace", "-f", "-qq", *arguments, "-p", str(server.process.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        status = f"/proc/{server.process.pid}/task"
        wait_until(lambda: all("TracerPid:\t0" not in open(f"{status}/{task}/status").read() for task in os.listdir(status)), "the tracer is attached")

    def end(self):
        self.process.terminate()
        self.process.wait(10)

    def kill(self):
        """When the server is gone: strace may wait for the rest of it for ever."""
        self.process.kill()
        self.process.wait()


def in_one_piece(user, data):
    status, answer = try_upload(user, data, "a.bin")
    assert status == 200, answer
    return answer["data"]


def in_parts(user, data):
    tus = Tus(user)
    path = tus.create(len(data), "a.bin")
    user.uploads.append((path, data))
    for start, end in ((0, len(data) // 2), (len(data) // 2, len(data))):
        assert tus.patch(path, start, data[start:end])[0] == 204
    return tus.result(path)["file"]


def killed_everywhere(server, user, way, make):
    """Kills the server before each of the system calls of an upload in turn; returns how often, and what got through."""
    kills, files = 0, []
    for call in CALLS:
        for n in range(1, 30):
            data = make()
            strace = Strace(server, "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={n}")
            try:
                files.append((way(user, data), data))
                strace.end()
                break  # there are not so many
            except (OSError, http.client.HTTPException):  # the answer did not come
                strace.kill()
                assert server.process.wait(10) == -signal.SIGKILL
                kills += 1
                server.restart()
    return kills, files


def check_all(server, user, files):
    for file, data in files:
        status, _, body = download(user, f"/api/files/{file['file_id']}")
        assert status == 200 and sha256(body) == file["sha256"], file
        assert file["kind"] == "image" or body == data
    with sqlite3.connect(server.data_dir / "simpleim.db") as db:
        contents = [row[0] for row in db.execute("SELECT sha256 FROM file UNION SELECT thumbnail FROM file WHERE thumbnail <> ''")]
    assert contents
    for content in contents:
        path = server.data_dir / "files" / content[:2] / content
        assert sha256(path.read_bytes()) == content, "a row without its whole content"


def test_killed_at_every_step_of_an_upload():
    with Server() as server:
        user = User(server)
        kills, files = killed_everywhere(server, user, in_one_piece, lambda: os.urandom(50_000))
        print(f"{kills} kills, {len(files)} got through")
        assert kills >= 12 and len(files) >= len(CALLS)
        check_all(server, user, files)
        assert not list((server.data_dir / "files" / "tmp").glob("whole-*")), "what was not whole is gone after the start"


def test_killed_at_every_step_of_an_upload_of_a_picture():
    with Server() as server:
        user = User(server)
        kills, files = killed_everywhere(server, user, in_one_piece, lambda: picture(size=(90, 60), color=tuple(os.urandom(3))))
        print(f"{kills} kills, {len(files)} got through")
        assert kills >= 15
        check_all(server, user, files)


def test_killed_at_every_step_of_an_upload_in_parts():
    """Whatever the moment, it goes on from where it was, and is one file at the end."""
    with Server() as server:
        user = User(server)
        user.uploads = []
        kills, files = killed_everywhere(server, user, in_parts, lambda: os.urandom(50_000))
        print(f"{kills} kills, {len(files)} got through, {len(user.uploads)} begun")
        assert kills >= 15 and len(user.uploads) >= 15
        check_all(server, user, files)
        tus = Tus(user)
        for path, data in user.uploads:
            offset = tus.offset(path)
            if offset < len(data):
                assert tus.patch(path, offset, data[offset:])[0] == 204
            file = tus.result(path)["file"]
            assert file["sha256"] == sha256(data) and tus.result(path)["file"]["file_id"] == file["file_id"]
            assert download(user, f"/api/files/{file['file_id']}")[2] == data
        with sqlite3.connect(server.data_dir / "simpleim.db") as db:
            assert db.execute("SELECT count(*), count(DISTINCT sha256) FROM file").fetchone() == (len(user.uploads),) * 2, "one file each"


def test_the_disk_has_the_content_before_the_row_and_the_row_before_the_answer():
    """What a power cut leaves, read from the order of the system calls."""
    with Server() as server:
        user = User(server)
        trace = server.data_dir / "trace"
        strace = Strace(server, "-y", "-e", "trace=fsync,link,pwrite64,fdatasync,sendmsg", "-o", str(trace))
        file = upload(user, os.urandom(50_000))
        strace.end()
        lines = trace.read_text().splitlines()

    def first(pattern, after=0):
        return next(i for i, line in enumerate(lines) if i >= after and re.search(pattern, line))

    content = first(r"fsync\(\d+<\S*/tmp/whole-\d+>\)\s+= 0")
    named = first(r"link\(.*" + file["sha256"], content)
    folder = first(rf"fsync\(\d+<\S*/files/{file['sha256'][:2]}>\)\s+= 0", named)
    assert not any("-wal>" in line for line in lines[:folder]), "the row comes after its content"
    row = first(r"fdatasync\(\d+<\S*-wal>\)\s+= 0", folder)
    assert first(r"sendmsg\(.*HTTP/1.1 200", 0) > row


def test_a_full_disk_refuses_uploads_and_keeps_what_is_there(small_disk):
    with Server({"files.keep_free_bytes": 2_000_000}, data_dir=small_disk / "data") as server:
        user, bob = User(server), User(server)
        small, big = os.urandom(100_000), os.urandom(6_000_000)
        kept = upload(user, small)
        tus = Tus(user)
        path = tus.create(len(big))
        room = 5_000_000
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - room))
        status, answer = try_upload(user, big)
        assert (status, answer["code"]) == (507, 50701) and answer["error"]
        assert not list((server.data_dir / "files" / "tmp").glob("whole-*")), "the room is free again"
        status, _, body = tus.patch(path, 0, big)
        assert status == 507 and b"50701" in body
        offset = tus.offset(path)
        assert 0 < offset < len(big), "what had room stays"
        assert download(user, f"/api/files/{kept['file_id']}")[2] == small
        alice = user.connect()
        for _ in range(50):
            assert "seq" in alice.say(bob, "what uploads left free is for messages " + "x" * 10_000)
        filler.unlink()
        assert tus.patch(path, offset, big[offset:])[0] == 204
        file = tus.result(path)["file"]
        assert file["sha256"] == sha256(big) and download(user, f"/api/files/{file['file_id']}")[2] == big
        assert upload(user, big)["sha256"] == sha256(big)
