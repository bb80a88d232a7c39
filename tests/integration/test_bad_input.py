"""Bad input gets a clear answer: a code, a text, and everybody else's chat goes on."""
import json
import re
import socket
import struct

import pytest
from harness import Api, Server, User, new_id
from websockets.exceptions import InvalidStatus

BAD_JSON = [b"", b"x", b"{", b"[", b"[]", b"null", b"1", b'"x"', b"{]", b'{"a"}', b'{"a":}', b'{"a":1,}', b"{'a':1}", b"{a:1}", b'{"a":01}', b'{"a":.5}',
            b'{"a":1.}', b'{"a":+1}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e}', b'{"a":"\x01"}', b'{"a":"\\x"}', b'{"a":"\\ud800"}', b'{"a":"\\u12"}',
            b'{"a":tru}', b'{"a":nul}', b"\xef\xbb\xbf{}", b"{}{}", b"{} x", b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}', b"\x00", b'{"a":1}\x00',
            b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", b'{"a":' * 100 + b"1" + b"}" * 100, b'{"type":1,"type":1}']

JSON_ROUTES = [("POST", "/api/register"), ("POST", "/api/login"), ("POST", "/api/refresh"), ("PATCH", "/api/users/me"), ("POST", "/api/users/me/password"),
               ("POST", "/api/groups")]

WRONG_TYPES = [None, 1, -1, 1.5, True, [], {}, ["x"], {"$ne": None}, {"$regex": ".*"}, [[]]]


@pytest.mark.parametrize("method, path", JSON_ROUTES)
def test_malformed_bodies(server, alice, method, path):
    for body in BAD_JSON[1:]:
        status, answer = alice.api.raw(method, path, body)
        assert (status, answer["code"]) == (400, 40001) or b'"type"' in body and status == 400, (body, status, answer)
        assert answer["error"]


@pytest.mark.parametrize("method, path, fields", [
    ("POST", "/api/register", ["username", "password", "nickname"]),
    ("POST", "/api/login", ["username", "password", "device_id", "platform", "device_name"]),
    ("POST", "/api/refresh", ["refresh_token"]),
    ("PATCH", "/api/users/me", ["nickname", "bio"]),
    ("POST", "/api/users/me/password", ["old_password", "new_password"]),
    ("POST", "/api/groups", ["name", "description", "member_ids"]),
])
def test_wrong_types(server, alice, method, path, fields):
    good = {"username": "some.name", "password": "secret-1", "nickname": "n", "device_id": "d", "platform": "p", "device_name": "n", "refresh_token": "r", "bio": "b",
            "old_password": "secret-1", "new_password": "secret-2", "name": "g", "description": "d", "member_ids": []}
    for field in fields:
        for value in WRONG_TYPES:
            if value is None or field == "member_ids" and value == []:
                continue  # null and the empty list are like a missing field
            status, answer = alice.api.raw(method, path, {**{f: good[f] for f in fields}, field: value})
            assert (status, answer["code"]) == (400, 40002), (field, value, answer)
            assert answer["details"]["field"] == field


def test_other_media_types_and_encodings_are_refused(server, alice):
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml"):
        assert alice.api.raw("POST", "/api/groups", b'{"name":"x"}', headers={"Content-Type": content_type})[0] == 415
    assert alice.api.raw("POST", "/api/groups", b"\x1f\x8b", headers={"Content-Encoding": "gzip"})[0] == 415
    assert alice.api.raw("POST", "/api/groups", b'{"name":"x"}', headers={"Content-Type": "application/json; charset=utf-8"})[0] == 200


def test_oversize_bodies_are_refused(server, alice):
    status, answer = alice.api.raw("POST", "/api/groups", b'{"name":"' + b"x" * (2 << 20) + b'"}')
    assert (status, answer["code"]) == (413, 41301)


def test_unknown_paths_and_methods(server, alice):
    for path in ("/api", "/api/", "/api/nothing", "/api/groups/my/extra", "/..", "/api/../health", "/%2e%2e/etc/passwd", "//health", "/api/users/%00", "/nothing.html"):
        status, answer = alice.api.raw("GET", path)
        assert status in (400, 404) and answer["error"], path
    status, answer = alice.api.raw("DELETE", "/api/login")
    assert status == 405 and alice.api.last_headers["allow"] == "POST"
    assert alice.api.raw("GET", "/ws")[0] == 426
    assert alice.api.raw("POST", "/ws", {})[0] == 405


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=x", "limit=1.5", "last_seq=-1", "last_seq=x", "after_seq=x",
                                   "after_seq=-5", "limit=%27%20OR%201=1", "limit=1&limit=2"])
def test_bad_history_queries(server, alice, bob, query):
    status, answer = alice.api.raw("GET", f"/api/messages/private/{bob.id}?{query}")
    assert status == 400 and answer["error"], answer


def test_however_many_are_asked_for_a_page_has_its_most(alice, bob):
    client = alice.connect()
    for n in range(3):
        client.say(bob, str(n))
    for limit in ("200", "9223372036854775807", "9" * 40):
        assert len(alice.api("GET", f"/api/messages/private/{bob.id}?limit={limit}")["messages"]) == 3
    for after, before, expected in ((0, 3, [1, 2]), (1, 3, [2]), (1, 2, []), (2, 9, [3]), (5, 2, [])):
        page = bob.history(alice, after_seq=after, last_seq=before)
        assert ([m["seq"] for m in page["messages"]], page["has_more"]) == (expected, False)
    assert bob.history(alice, after_seq=0, last_seq=3, limit=1)["has_more"] is True


@pytest.mark.parametrize("number", ["12345678901234567890123", "-1e999", "1e400"])
def test_a_number_that_nobody_reads_may_be_of_any_size(alice, number):
    status, answer = alice.api.raw("PATCH", "/api/users/me", ('{"bio":"b","other":[%s]}' % number).encode(), {"Content-Type": "application/json"})
    assert status == 200 and answer["data"]["bio"] == "b"
    status, answer = alice.api.raw("PATCH", "/api/users/me", ('{"bio":%s}' % number).encode(), {"Content-Type": "application/json"})
    assert status == 400 and answer["details"]["field"] == "bio"


@pytest.mark.parametrize("bad", ["x", "user_", "user_!", "group_0000000000001", "user_0000000000000", "' OR 1=1 --", "../../etc/passwd", "%00", "user_" + "0" * 500])
def test_malformed_ids_are_not_found(server, alice, bad):
    from urllib.parse import quote
    for path in (f"/api/users/{quote(bad, safe='')}", f"/api/messages/private/{quote(bad, safe='')}", f"/api/messages/group/{quote(bad, safe='')}"):
        assert alice.api.raw("GET", path)[0] in (400, 404), path


FRAMES_WITHOUT_ACK = [b for b in BAD_JSON if b not in (b"",)] + [
    b"{}", b'{"type":null}', b'{"type":"1"}', b'{"type":1.5}', b'{"type":[]}', b'{"type":-1}', b'{"type":3,"content":{}}', b'{"type":30,"content":{}}', b'{"type":34}',
    b'{"type":8}', b'{"type":32,"content":{"message_id":"a b"}}', b'{"type":36,"content":{"message_id":"x"}}', b'{"type":40,"content":{}}', b'{"type":77,"content":{}}', b'{"type":1000000}', b'{"type":9223372036854775808}',
    b'{"type":31}', b'{"type":31,"content":{}}', b'{"type":31,"content":{"conversation_id":"x","seq":1}}', b'{"type":31,"content":{"conversation_id":1,"seq":1}}',
    b'{"type":37,"content":{"conversation_id":"group:x","seq":"1"}}', b'{"type":33}', b'{"type":33,"content":{"conversation_id":"x"}}', b'{"type":50}',
    b'{"type":50,"content":{"user_ids":["x"]}}', b'{"type":50,"content":{"user_ids":{}}}', b'{"type":1,"to":5,"content":{"text":"x"}}']


@pytest.mark.json_frames
def test_bad_frames_get_an_error_frame_and_the_connection_stays(server, alice, bob):
    a = alice.connect()
    for frame in FRAMES_WITHOUT_ACK:
        try:
            text = frame.decode()
        except UnicodeDecodeError:
            continue  # bad UTF-8 closes with 1007, below
        before = len(a.seen)
        a.send(text)
        a.send({"type": 99, "content": {}})
        a.expect(type=99)
        answers = [f for f in a.seen[before:] if f["type"] in (30, 34)]
        assert len(answers) == 1, (text[:80], a.seen[before:])
        assert answers[0]["content"]["code"] in (40001, 40002) and answers[0]["content"]["error"], (text[:80], answers)
    assert a.say(bob, "still fine").get("seq")


JSON = pytest.mark.json_frames


@pytest.mark.parametrize("change, code", [
    ({"to": "user_0000000000001"}, 40401), ({"to": ""}, 40002), ({"to": None}, 40002), ({"to": "x"}, 40002), pytest.param({"to": {"$ne": None}}, 40002, marks=JSON),
    ({"type": 2}, 40002), ({"type": 2, "group_id": "x"}, 40002), ({"type": 2, "group_id": "group_0000000000001"}, 40401), pytest.param({"group_id": 5, "type": 0}, 40002, marks=JSON),
    ({"content": None}, 40002), pytest.param({"content": "x"}, 40002, marks=JSON), pytest.param({"content": []}, 40002, marks=JSON), ({"content": {}}, 40002), ({"content": {"text": ""}}, 40002),
    ({"content": {"text": 5}}, 40002), ({"content": {"text": "x" * 20_001}}, 40002), ({"content": {"text": "x", "at_user_ids": "*"}}, 40002),
    ({"content": {"text": "x", "at_user_ids": ["nobody"]}}, 40002), ({"content": {"text": "x", "at_user_ids": ["*"] * 201}}, 40002),
    ({"content": {"text": "x", "reply_to": "a b"}}, 40002), ({"content": {"text": "x", "more": "y" * 70_000}}, 41301),
])
def test_refused_messages_get_an_ack_with_the_reason(server, alice, bob, change, code):
    a, b = alice.connect(), bob.connect()
    message_id = new_id()
    a.send({"message_id": message_id, "type": 1, "to": bob.id, "content": {"text": "x"}, **change})
    refused = a.expect(type=30, message_id=message_id)["content"]
    assert refused["code"] == code and refused["error"], refused
    b.expect_nothing(type=1)
    assert alice.history(bob)["messages"] == []


@pytest.mark.parametrize("message_id", ["a b", "x" * 65, "ä", "a/b", "<b>", "a\nb"])
def test_bad_message_ids(server, alice, bob, message_id):
    a = alice.connect()
    a.send({"message_id": message_id, "type": 1, "to": bob.id, "content": {"text": "x"}})
    assert a.expect(type=34)["content"]["code"] == 40002


@pytest.mark.parametrize("text", ["a\u0000b", "line\nbreak\ttab", "\u202e right to left", "a\u0300" * 5000, "👨‍👩‍👧‍👦" * 500, "<script>alert(1)</script>", "'; DROP TABLE message; --",
                                  "\\u0000", "\uffff", "𐍈", "%s%n%x", "${jndi:ldap://x}", "\u2028a\u2029", "x" * 20_000])
def test_any_text_comes_back_as_it_was(server, alice, bob, text):
    a, b = alice.connect(), bob.connect()
    assert a.say(bob, text).get("seq")
    assert b.expect(type=1)["content"]["text"] == text
    assert alice.history(bob)["messages"][-1]["content"]["text"] == text


def test_marks_for_foreign_conversations_change_nothing(server, alice, bob, carol):
    a, b, c = alice.connect(), bob.connect(), carol.connect()
    a.say(bob, "private")
    conversation = alice.with_(bob)
    group = alice.api("POST", "/api/groups", {"name": "g"})["group_id"]
    for kind in (31, 37):
        c.send({"type": kind, "content": {"conversation_id": conversation, "seq": 1}})
        assert c.expect(type=34)["content"]["code"] == 40401
        c.send({"type": kind, "content": {"conversation_id": f"group:{group}", "seq": 1}})
    c.send({"type": 33, "content": {"conversation_id": conversation}})
    assert c.expect(type=34)["content"]["code"] == 40401
    c.send({"type": 33, "content": {"conversation_id": f"group:{group}"}})
    for other in (a, b):
        other.expect_nothing(type=31)
        other.expect_nothing(type=33)
    assert carol.api.error("PATCH", f"/api/conversations/{conversation}", {"pinned": True}) == (404, 40401)


def test_nothing_of_others_is_seen(server, alice, bob, carol):
    c = carol.connect()
    canary = "canary-" + new_id()
    a = alice.connect()
    a.say(bob, canary)
    group = alice.api("POST", "/api/groups", {"name": canary, "member_ids": [bob.id]})["group_id"]
    a.say(group, canary)
    c.send({"type": 60, "content": {}})
    c.expect(type=60)
    everything = json.dumps(c.seen) + json.dumps([carol.api.raw("GET", p) for p in (
        "/api/conversations", "/api/groups/my", f"/api/messages/private/{alice.id}", f"/api/messages/group/{group}", "/api/users?q=canary", f"/api/groups/{group}/members")])
    assert canary not in everything


# ---------------------------------------------------------------- below the JSON

def raw_websocket(server, user):
    """A socket behind a finished upgrade."""
    s = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    s.sendall((f"GET /ws?token={user.token}&sync=summary HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += s.recv(1)
    assert b" 101 " in answer and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
    return s


def close_code(s):
    data = b""
    try:
        while True:
            piece = s.recv(4096)
            if not piece:
                break
            data += piece
    except ConnectionResetError:
        pass
    at = data.rfind(b"\x88")
    return struct.unpack(">H", data[at + 2:at + 4])[0] if at >= 0 else None


MASK = b"\x00\x00\x00\x00"


@pytest.mark.parametrize("what, frame, code", [
    ("unmasked", b"\x81\x02hi", 1002),
    ("reserved bits", b"\xf1\x80" + MASK, 1002),
    ("reserved opcode", b"\x83\x80" + MASK, 1002),
    ("fragmented ping", b"\x09\x80" + MASK, 1002),
    ("long ping", b"\x89\xfe\x00\x7e" + MASK, 1002),
    ("continuation of nothing", b"\x80\x80" + MASK, 1002),
    ("new message inside a message", b"\x01\x81" + MASK + b"x" + b"\x81\x81" + MASK + b"x", 1002),
    ("bad UTF-8", b"\x81\x82" + MASK + b"\xc0\xaf", 1007),
    ("bad UTF-8 in a fragment", b"\x01\x81" + MASK + b"\xff", 1007),
    ("binary", b"\x82\x81" + MASK + b"x", 1003),
    ("2^63", b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + MASK, 1002),
    ("2^62 bytes announced", b"\x81\xff\x40\x00\x00\x00\x00\x00\x00\x00" + MASK, 1009),
    ("2 MiB announced", b"\x81\xff\x00\x00\x00\x00\x00\x20\x00\x00" + MASK, 1009),
    ("close code 1005", b"\x88\x82" + MASK + struct.pack(">H", 1005), 1002),
    ("close with one byte", b"\x88\x81" + MASK + b"\x03", 1002),
    ("normal close", b"\x88\x82" + MASK + struct.pack(">H", 1000), 1000),
])
def test_broken_frames_close_with_a_reason(server, alice, what, frame, code):
    with raw_websocket(server, alice) as s:
        s.sendall(frame)
        assert close_code(s) == code


def test_frames_in_single_bytes_and_many_fragments(server, alice, bob):
    b = bob.connect()
    body = json.dumps({"message_id": new_id(), "type": 1, "to": bob.id, "content": {"text": "你好 slowly"}}, ensure_ascii=False).encode()
    with raw_websocket(server, alice) as s:
        frame = b"\x81\xfe" + struct.pack(">H", len(body)) + MASK + body if len(body) > 125 else b"\x81" + bytes([0x80 | len(body)]) + MASK + body
        for i in range(len(frame)):
            s.sendall(frame[i:i + 1])
        assert b.expect(type=1)["content"]["text"] == "你好 slowly"
        body = json.dumps({"message_id": new_id(), "type": 1, "to": bob.id, "content": {"text": "in pieces"}}).encode()
        for i, byte in enumerate(body):
            s.sendall(bytes([1 if i == 0 else 0x80 if i == len(body) - 1 else 0, 0x81]) + MASK + bytes([byte]))
            if i % 20 == 0:
                s.sendall(b"\x89\x80" + MASK)
        assert b.expect(type=1)["content"]["text"] == "in pieces"


def test_a_flood_of_pings_and_frames_hurts_only_its_sender(server, alice, bob, carol):
    b, c = bob.connect(), carol.connect()
    with raw_websocket(server, alice) as s:
        s.sendall(b"\x89\x80\x00\x00\x00\x00" * 20_000)
        c.say(bob, "during the flood")
        b.expect(type=1)


RAW_HTTP = [b"\r\n\r\n", b"GET\r\n\r\n", b"GET / \r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"get / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
            b"GET / HTTP/1.1\nHost: x\n\n", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", b"\x00\x01\x02\x03\r\n\r\n",
            b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n",
            b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n", b"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /?a=%ff HTTP/1.1\r\nHost: x\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"]


@pytest.mark.parametrize("request_", RAW_HTTP, ids=range(len(RAW_HTTP)))
def test_broken_http_gets_4xx_or_a_close(server, request_):
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as s:
        s.sendall(request_)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := s.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:100]


def test_pipelined_requests_are_answered_in_order(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as s:
        s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := s.recv(65536):
            answer += piece
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404", b"200"]


def test_slow_requests_are_ended():
    with Server() as server:
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
        for s in slow:
            s.sendall(b"GET /health HTTP/1.1\r\nHos")
        assert server.get_json("/health")["status"] == "ok"
        for s in slow:
            s.settimeout(20)
            assert s.recv(1000).startswith(b"HTTP/1.1 408")
            s.close()


@pytest.mark.parametrize("origin, good", [
    (None, True), ("http://127.0.0.1:{port}", True), ("https://127.0.0.1:{port}", True), ("https://chat.example", True),
    ("https://evil.example", False), ("null", False), ("https://chat.example.evil", False), ("https://evil-chat.example", False), ("http://127.0.0.1:{port}.evil", False),
    ("http://127.0.0.1", False), ("https://chat.example:444", False), ("file://", False)])
def test_web_pages_of_other_origins_may_not_connect(origin, good, request):
    server = request.getfixturevalue("origin_server")
    user = User(server)
    headers = {} if origin is None else {"Origin": origin.format(port=server.port)}
    if good:
        user.connect(additional_headers=headers).close()
    else:
        with pytest.raises(InvalidStatus) as refused:
            user.connect(additional_headers=headers)
        assert refused.value.response.status_code == 403


@pytest.fixture(scope="module")
def origin_server():
    with Server({"security.allowed_origins": "https://chat.example"}) as server:
        yield server


def test_cors_is_for_allowed_origins_only(origin_server):
    api = Api(origin_server)
    status, _ = api.raw("OPTIONS", "/api/login", headers={"Origin": "https://chat.example", "Access-Control-Request-Method": "POST"})
    assert status == 204 and api.last_headers["access-control-allow-origin"] == "https://chat.example"
    api.raw("GET", "/health", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in api.last_headers


def test_every_answer_has_the_security_headers(server):
    for path in ("/health", "/api/users/me", "/nothing"):
        api = Api(server)
        api.raw("GET", path)
        h = api.last_headers
        assert h["x-content-type-options"] == "nosniff" and h["referrer-policy"] == "no-referrer" and h["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in h["content-security-policy"] and h["content-type"].startswith("application/json")
