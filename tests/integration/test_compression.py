"""permessage-deflate (RFC 7692, ws.compression): off unless asked for; then smaller, for whoever offers it, and within the same bounds."""
import os
import zlib

import pytest
from harness import Server, User
from harness.raw import plug, upgrade_request
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

OFFER = b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"


@pytest.fixture(scope="module")
def server():
    with Server({"ws.compression": "true"}) as running:
        yield running
        assert running.process.poll() is None, "the server crashed:\n" + running.log_text()[-2000:]


def upgraded(user):
    """A plain socket that has agreed on compression."""
    s = plug(user.server)
    s.sendall(upgrade_request(user.token).replace(b"\r\n\r\n", OFFER))
    got = b""
    while b"\r\n\r\n" not in got:
        got += s.recv(4096)
    head, rest = got.split(b"\r\n\r\n", 1)
    return s, head, rest


def compressing(user, encoding="json", **parameters):
    """A client that compresses, and what has come to it compressed."""
    factory = ClientPerMessageDeflateFactory(**parameters)
    client = user.connect(encoding=encoding, extensions=[factory], device_id=f"{encoding}-{len(parameters)}-{os.urandom(2).hex()}")
    assert client.socket.protocol.extensions, "no compression was agreed on"
    return client


def frame(payload, first):
    """A client's frame, masked with zeros."""
    size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([first]) + size + bytes(4) + payload


def deflated(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (c.compress(data) + c.flush(zlib.Z_SYNC_FLUSH))[:-4]


def close_code(s, rest=b""):
    """Of the first close frame among what comes."""
    got = rest
    while True:
        at = 0
        while len(got) - at >= 2:
            size, header = got[at + 1] & 0x7F, 2
            if size == 126 and len(got) - at >= 4:
                size, header = int.from_bytes(got[at + 2:at + 4], "big"), 4
            if len(got) - at < header + size:
                break
            if got[at] & 0x0F == 8:
                return int.from_bytes(got[at + header:at + header + 2], "big")
            at += header + size
        got = got[at:] + s.recv(65536)


def test_it_is_off_by_default():
    with Server() as plain:
        s, head, _ = upgraded(User(plain))
        s.close()
        assert b"sec-websocket-extensions" not in head.lower()


def test_all_hear_the_same_however_it_is_sent(server):
    alice, bob = User(server), User(server)
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    plain = bob.connect(encoding="json", device_id="plain")
    hear = [plain, compressing(bob), compressing(bob, server_max_window_bits=9), compressing(bob, "protobuf"),
            compressing(bob, server_max_window_bits=12, client_max_window_bits=10, client_no_context_takeover=True)]
    for sender in (alice.connect(encoding="json", device_id="plain"), compressing(alice), compressing(alice, "protobuf")):
        for to in (bob, group):
            for text in ("short", "你好 " * 500, "x" * 20_000, os.urandom(6000).hex()):
                message = sender.text(to, text)
                assert sender.expect(type=30, message_id=message)["content"]["seq"]
                frames = [one.expect(message_id=message) for one in hear]
                assert all(one == frames[0] for one in frames) and frames[0]["content"]["text"] == text


def test_what_is_long_is_sent_compressed_and_what_is_short_is_not(server):
    alice, bob = User(server), User(server)
    s, head, rest = upgraded(bob)
    assert b"permessage-deflate; server_no_context_takeover; client_no_context_takeover" in head
    client = alice.connect()
    client.say(bob, "lorem ipsum " * 500)
    got = rest
    while True:
        at = got.find(b"\xc1")
        if at >= 0 and len(got) > at + 4 and got[at + 1] == 126:
            size = int.from_bytes(got[at + 2:at + 4], "big")
            if len(got) >= at + 4 + size:
                break
        got += s.recv(65536)
    body = zlib.decompressobj(-15).decompress(got[at + 4:at + 4 + size] + b"\x00\x00\xff\xff")
    assert b'"lorem ipsum lorem' in body and size < len(body) / 10
    s.close()


def test_a_bomb_ends_the_connection_that_sent_it(server):
    user = User(server)
    before = server.rss_kib()
    bombs = []
    for _ in range(8):
        s, _, rest = upgraded(user)
        s.sendall(frame(deflated(bytes(60 << 20)), 0xC1))
        bombs.append((s, rest))
    for s, rest in bombs:
        assert close_code(s, rest) == 1009
        s.close()
    assert server.rss_kib() - before < 32 << 10
    assert user.connect().say(User(server), "fine")["seq"]


@pytest.mark.parametrize("data, code", [
    (frame(b"\xff\xff\xff\xff", 0xC1), 1007), (frame(deflated(b'{"type":99,"x":"\xc3\x28"}'), 0xC1), 1007), (frame(b"", 0xC9), 1002),
    (frame(deflated(b"{"), 0x41) + frame(b"", 0xC0), 1002), (frame(b"x", 0xA1), 1002),
])
def test_what_is_not_compressed_as_agreed_ends_the_connection(server, data, code):
    s, _, rest = upgraded(User(server))
    s.sendall(data)
    assert close_code(s, rest) == code
    s.close()


def test_compressed_frames_without_an_agreement_end_the_connection(server):
    user = User(server)
    s = plug(server)
    s.sendall(upgrade_request(user.token) + frame(deflated(b'{"type":99}'), 0xC1))
    got = b""
    while b"\r\n\r\n" not in got:
        got += s.recv(4096)
    assert close_code(s, got.split(b"\r\n\r\n", 1)[1]) == 1002
    s.close()


def test_fragments_of_a_compressed_message_are_one_message(server):
    user = User(server)
    s, _, rest = upgraded(user)
    whole = deflated(b'{"type":61,"content":{"ref":"pieces","path":"/api/users/me"}}')
    s.sendall(frame(whole[:5], 0x41) + frame(b"", 0x89) + frame(whole[5:9], 0x00))
    s.sendall(frame(whole[9:], 0x80))
    got = rest
    while b'"ref":"pieces"' not in got and b"\xc1" not in got:
        got += s.recv(65536)
    s.close()
