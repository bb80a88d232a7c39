"""WebSockets whose client does what no library would: talks and never reads, says everything just before it closes, answers what was
never asked."""
import json
import os
import socket
import struct
import time

import pytest
from harness import Server, User, new_id, wait_until
from harness.raw import plug, upgrade_request

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def frame(opcode, payload=b""):
    """A client's frame, masked with zeros."""
    size = len(payload)
    head = bytes([0x80 | opcode]) + (bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size))
    return head + b"\0\0\0\0" + payload


def text(body):
    return frame(TEXT, json.dumps(body).encode())


def private(to, words, message_id=None):
    return text({"message_id": message_id or new_id(), "type": 1, "to": to.id, "content": {"text": words}})


def upgraded(server, user, **more):
    """A socket whose answer 101 has been read and nothing else."""
    s = plug(server, **more)
    s.sendall(upgrade_request(user.token, device_id=os.urandom(4).hex(), sync="summary"))
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += s.recv(1)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return s


def exactly(s, size):
    got = b""
    while len(got) < size:
        piece = s.recv(size - len(got))
        assert piece, "the connection ended"
        got += piece
    return got


def read_frame(s):
    """(opcode, payload) of the server's next frame."""
    first, size = exactly(s, 2)
    if size == 126:
        size, = struct.unpack(">H", exactly(s, 2))
    elif size == 127:
        size, = struct.unpack(">Q", exactly(s, 8))
    return first & 15, exactly(s, size)


def send_all_it_takes(s, piece, at_most):
    """Until the other side takes no more for a while, or `at_most` bytes. What was sent."""
    s.settimeout(0.5)
    sent = 0
    try:
        while sent < at_most:
            sent += s.send(piece)
    except (TimeoutError, BlockingIOError, ConnectionError):
        pass
    return sent


def texts(user, other):
    return [m["content"].get("text") for m in user.api("GET", f"/api/messages/private/{other.id}")["messages"]]


@pytest.mark.parametrize("payload", [b"", b"x" * 125])
def test_pings_whose_answers_are_not_read_cost_little(payload):
    """RFC 6455 section 5.5.3: only the latest ping needs an answer."""
    with Server() as server:
        user = User(server)
        before = server.rss_kib()
        sockets = [upgraded(server, user, receive_buffer=2048) for _ in range(4)]
        for s in sockets:
            send_all_it_takes(s, frame(PING, payload) * 500, 12 << 20)
        assert server.get_json("/health")["status"] == "ok"
        assert server.rss_kib() - before < 12 << 10
        for s in sockets:
            s.close()


def test_the_latest_ping_is_answered_to_whoever_reads_late():
    with Server() as server:
        s = upgraded(server, User(server), receive_buffer=2048)
        sent = 0
        s.settimeout(10)
        for _ in range(200):
            s.sendall(b"".join(frame(PING, b"%06d" % (sent + i)) for i in range(500)))
            sent += 500
        while read_frame(s) != (PONG, b"%06d" % (sent - 1)):
            pass
        s.close()


def test_what_is_said_just_before_the_close_is_stored(server):
    alice, bob = User(server), User(server)
    for n, end in enumerate([frame(CLOSE, struct.pack(">H", 1000)), frame(CLOSE), frame(3), frame(TEXT, b"\xff"), frame(CLOSE, b"\x00\x01")]):
        s = upgraded(server, alice)
        s.sendall(private(bob, f"last words {n}") + end)
        # Nobody else says anything on this server: it must not wait for that.
        wait_until(lambda: f"last words {n}" in texts(bob, alice), f"the message before end {n}", deadline_s=3)
        s.close()


def test_what_is_said_behind_the_upgrade_and_before_the_close_is_stored(server):
    alice, bob = User(server), User(server)
    s = plug(server)
    s.sendall(upgrade_request(alice.token, sync="summary") + private(bob, "all at once") + frame(CLOSE, struct.pack(">H", 1000)))
    wait_until(lambda: "all at once" in texts(bob, alice), deadline_s=3)
    s.close()


def test_a_pong_that_nobody_asked_for_confirms_nothing():
    with Server({"heartbeat.ping_s": 1, "heartbeat.silence_s": 60}) as server:
        alice, bob = User(server), User(server)
        a, s = alice.connect(), upgraded(server, bob)
        a.say(bob, "seen by nobody")
        for payload in (b"", b"\x01\0\0\0", b"\xff" * 4):
            pings = 0
            while pings < 2:  # the message was written before the first of them
                opcode, _ = read_frame(s)
                pings += opcode == PING
            s.sendall(frame(PONG, payload) * 3)
        assert alice.api("GET", "/api/conversations")["conversations"][0]["peer_delivered_seq"] == 0
        while True:
            opcode, payload = read_frame(s)
            if opcode == PING:
                break
        s.sendall(frame(PONG, payload))
        wait_until(lambda: alice.api("GET", "/api/conversations")["conversations"][0]["peer_delivered_seq"] == 1)
        s.close()


@pytest.mark.parametrize("nonsense", [b"{", b"[]", b'{"type":77}', b'{"message_id":"a","type":1,"to":"x","content":{}}'])
def test_frames_that_make_no_sense_have_a_limit(server, nonsense):
    user = User(server)
    s = upgraded(server, user)
    try:
        for _ in range(40):
            s.sendall(frame(TEXT, nonsense) * 500)
    except ConnectionError:
        pass
    answers = 0
    try:
        while True:
            opcode, payload = read_frame(s)
            if opcode == CLOSE:
                assert struct.unpack(">H", payload[:2])[0] == 1008
                break
            answers += opcode == TEXT
    except (ConnectionError, AssertionError, TimeoutError):
        pass
    assert answers < 2000, "each answer costs as much as a message"
    s.close()
    # He may come back and behave.
    user.connect().close()


def test_a_reader_that_talks_but_never_reads_costs_what_its_limit_says():
    with Server({"limits.outbound_queue_bytes": 1 << 20}) as server:
        alice, bob = User(server), User(server)
        bob.connect()
        before = server.rss_kib()
        s = upgraded(server, alice, receive_buffer=2048)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            try:
                s.settimeout(0.2)
                s.sendall(text({"type": 99, "content": {}}) * 100 + private(bob, "x" * 200) * 50)
            except (TimeoutError, ConnectionError, socket.timeout):
                break
        assert server.rss_kib() - before < 24 << 10
        s.close()
