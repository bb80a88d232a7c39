"""Requests in bulk behind each other on one connection: each is answered in order, and nobody else waits for them."""
import re
import ssl
import subprocess
import threading

import pytest
from harness import Server, User, wait_until
from harness.raw import everything, plug, upgrade_request

SHORT = b"A / HTTP/1.1\r\nHost:\r\n\r\n"  # 23 bytes, answered at once with 404


def get(path, more=""):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


def exchange(server, requests):
    """Sends it all while it reads, and returns the statuses of the answers."""
    with plug(server, timeout=60) as s:
        threading.Thread(target=lambda: s.sendall(requests), daemon=True).start()
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", everything(s))]


@pytest.mark.parametrize("request_, status", [
    (SHORT, 404), (get("/health"), 200), (get("/stats"), 200), (get("/nothing"), 404), (get("/"), 200),
    (b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 405), (b"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", 200),
    (b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n", 200), (get("/%zz"), None), (get("/ws"), 426)],
    ids=["short", "health", "stats", "404", "page", "405 with body", "chunked", "HEAD", "bad target", "no upgrade"])
def test_thousands_of_requests_in_one_go(server, request_, status):
    count = 6000 if len(request_) < 60 else 2000
    statuses = exchange(server, request_ * count + get("/health", "Connection: close\r\n"))
    if status is None:  # what ends the connection, or is answered by other means, must only not end the server
        assert statuses
    else:
        assert statuses == [status] * count + [200]
    assert server.get_json("/health")["status"] == "ok"


def test_the_upgrade_behind_thousands_of_requests_works(server):
    alice = User(server)
    with plug(server) as s:
        s.sendall(SHORT * 3000 + upgrade_request(alice.token))
        got = b""
        while b"HTTP/1.1 101 " not in got:
            piece = s.recv(1 << 16)
            assert piece, got[-200:]
            got += piece
    assert got.count(b"HTTP/1.1 404 ") == 3000


def test_others_are_served_between_the_requests_of_a_flood(server):
    """One connection has work for seconds: a request of another one is not behind all of it."""
    flood = SHORT * 40_000
    with plug(server, timeout=60) as s:
        reader = threading.Thread(target=lambda: everything(s))
        sender = threading.Thread(target=lambda: s.sendall(flood + get("/health", "Connection: close\r\n")))
        reader.start()
        sender.start()
        served = 0
        while reader.is_alive():
            assert server.get_json("/health")["status"] == "ok"
            served += 1
        sender.join()
    assert served >= 4, "they had their turns while the flood went on"


def test_a_flood_whose_answers_are_not_read_costs_bounded_memory(server):
    before = server.rss_kib()
    stuck = [plug(server, receive_buffer=2048) for _ in range(20)]
    for s in stuck:
        s.setblocking(False)
        sent = 0
        try:
            while sent < 4 << 20:
                sent += s.send(get("/") * 500)
        except BlockingIOError:
            pass
    assert server.get_json("/health")["status"] == "ok"
    assert server.rss_kib() - before < 20 * 1024, "a megabyte each at the most"
    for s in stuck:
        s.close()


def test_requests_in_bulk_whose_answers_take_a_worker(server):
    """Each answer comes from another thread; among them are refusals, files and bodies."""
    alice = User(server)
    signed = f"Authorization: Bearer {alice.token}\r\n"
    mix = (get("/api/users/me", signed) + get("/api/users/me") + get("/api/files/1") + get("/health") + get("/api/conversations", signed)
           + b"POST /api/refresh HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
    statuses = exchange(server, mix * 300 + get("/health", "Connection: close\r\n"))
    assert statuses == [200, 401, 401, 200, 200, 400] * 300 + [200]


def test_bodies_in_bulk_that_wait_for_continue(server):
    one = b"PUT /nothing HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
    statuses = exchange(server, one * 3000 + get("/health", "Connection: close\r\n"))
    assert statuses == [100, 404] * 3000 + [200]


def test_requests_in_bulk_over_tls(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=x",
                    "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    server = Server({"tls.cert_file": tmp_path / "cert.pem", "tls.key_file": tmp_path / "key.pem"}).start(wait=False)
    try:
        wait_until(lambda: "ready" in server.log_text())
        trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        trust.check_hostname = False
        with trust.wrap_socket(plug(server, timeout=60)) as s:
            threading.Thread(target=lambda: s.sendall(SHORT * 6000 + get("/health", "Connection: close\r\n")), daemon=True).start()
            statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", everything(s))]
        assert statuses == [404] * 6000 + [200]
        assert server.process.poll() is None
    finally:
        server.close()
