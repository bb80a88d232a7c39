"""What frames a body, the bytes of chunk sizes, extensions and trailers, is bounded like what a head may have."""
import re
import time

import pytest
from harness import Api, User
from harness.raw import everything, plug, send_until_refused

ENDLESS = {
    "extension": b"1;" + b"e" * 62,
    "size digits": b"0" * 64,
    "trailer": b"0\r\nTrailer: " + b"t" * 52,
    "trailers": b"0\r\nA: 1\r\n",
    "size without an end": b"f" * 15,
}
MORE = {"extension": b"e" * 4096, "size digits": b"0" * 4096, "trailer": b"t" * 4096, "trailers": b"A: 1\r\n" * 700, "size without an end": b"f" * 4096}
AT_MOST = 16 << 20
CLOSE = "Connection: close\r\n"


def head(route, token=None, more=""):
    method, path = route.split()
    return (f"{method} {path} HTTP/1.1\r\nHost: x\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "") +
            f"Content-Type: {'multipart/form-data; boundary=b' if path == '/api/files' else 'application/json'}\r\n"
            f"Transfer-Encoding: chunked\r\n{more}\r\n").encode()


def status_of(s):
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", everything(s))
    return int(found.group(1)) if found else None


@pytest.mark.parametrize("form", ENDLESS)
@pytest.mark.parametrize("route", ["POST /api/login", "POST /api/refresh", "GET /health", "POST /api/files", "PUT /nothing"])
def test_framing_without_end_is_refused_before_it_fills_the_memory(server, form, route):
    token = User(server).token if route == "POST /api/files" else None
    before = server.rss_kib()
    for _ in range(4):
        with plug(server) as s:
            s.sendall(head(route, token) + ENDLESS[form])
            sent = send_until_refused(s, MORE[form], AT_MOST)
            assert sent < AT_MOST, "it was read on and on"
            assert status_of(s) in (400, 413, 431, None)
    assert server.rss_kib() - before < 8 << 10
    assert server.get_json("/health")["status"] == "ok"


@pytest.mark.parametrize("route", ["POST /api/login", "POST /api/files"])
def test_much_framing_around_little_body_is_refused(server, route):
    """Each chunk is small enough; together they bring a kilobyte of nothing for each byte."""
    token = User(server).token if route == "POST /api/files" else None
    with plug(server) as s:
        s.sendall(head(route, token))
        sent = send_until_refused(s, (b"1;" + b"e" * 1022 + b"\r\nx\r\n") * 8, AT_MOST)
        assert sent < AT_MOST
        assert status_of(s) in (400, None)



def test_bodies_in_ordinary_chunks_are_taken(server):
    alice = User(server)
    body = b'{"name":"in small pieces"}'
    for size in (1, 2, 7, len(body)):
        pieces = [body[i:i + size] for i in range(0, len(body), size)]
        for form in (b"%x\r\n", b"%x;chunk-signature=0123456789abcdef\r\n", b"000%x\r\n"):
            if size == 1 and b";" in form:
                continue
            with plug(server) as s:
                s.sendall(head("POST /api/groups", alice.token, CLOSE))
                for piece in pieces:
                    s.sendall(form % len(piece) + piece + b"\r\n")
                s.sendall(b"0\r\nX-Checked: yes\r\n\r\n")
                assert status_of(s) == 200, (size, form)


def test_a_file_in_single_bytes_is_taken(server):
    alice = User(server)
    body = (b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n" + b"text " * 4000 + b"\r\n--b--\r\n")
    with plug(server) as s:
        s.sendall(head("POST /api/files", alice.token, CLOSE))
        s.sendall(b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n")
        answer = everything(s)
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
    assert b":20000," in answer


def test_trailers_are_not_headers(server):
    """RFC 9110 section 6.5.1: what comes behind the body does not say who asks or from where."""
    alice = User(server)
    with plug(server) as s:
        s.sendall(head("POST /api/groups", more=CLOSE))
        s.sendall(b'c\r\n{"name":"g"}\r\n0\r\nAuthorization: Bearer ' + alice.token.encode() + b"\r\n\r\n")
        assert status_of(s) == 401


@pytest.mark.parametrize("value", ["xchunked", "identity", "chunked, identity", '"chunked"', "gzip, chunked", "chunked, chunked", "chunked;q=1"])
def test_a_transfer_encoding_that_is_not_chunked_ends_the_connection(server, value):
    """RFC 9112 section 6.3: where the body ends is not known, so nothing behind it is a request."""
    with plug(server) as s:
        s.sendall(f"POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {value}\r\n\r\nGET /stats HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = everything(s)
    assert re.findall(rb"HTTP/1\.1 (\d{3}) ", answer) == [b"400"], answer[:300]


def test_the_head_is_bounded(server):
    for line in (b"GET /" + b"x" * 4096, b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"GET / HTTP/1.1\r\nHost: x\r\n"):
        with plug(server) as s:
            s.sendall(line)
            assert send_until_refused(s, b"A: 1\r\n" * 700 if line.endswith(b"\n") else b"x" * 4096, AT_MOST) < AT_MOST
            assert status_of(s) in (400, 431, None)


def test_an_answer_is_seen_although_the_body_goes_on(server):
    began = time.monotonic()
    with plug(server) as s:
        s.sendall(head("POST /api/login") + b"1;" + b"e" * 40_000)
        assert status_of(s) == 400
    assert time.monotonic() - began < 8
    assert Api(server).raw("GET", "/health")[0] == 200
