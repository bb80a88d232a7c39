"""The original contract, as a client would take it that knows nothing else (docs/protocol.md, what is marked base)."""
import subprocess

import pytest
from harness import BINARY, Api, Server, User, new_id, wait_until
from harness.files import picture, request, upload
from harness.raw import plug


def test_a_text_without_a_kind_of_its_own_names_a_user_or_a_group(server, alice, bob):
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    a, b = alice.connect(), bob.connect()
    for frame in ({"to": bob.id}, {"to": group}, {"group_id": group}, {"to": bob.id, "group_id": group}, {"to": group, "group_id": ""}):
        message = new_id()
        a.send({"message_id": message, "type": 0, "content": {"text": "x"}, **frame})
        where = a.expect(type=30, message_id=message)["content"]["conversation_id"]
        assert where.startswith("private:" if frame == {"to": bob.id} else "group:"), frame
        assert b.expect(message_id=message)["type"] == 0


def test_every_frame_says_whom_it_is_for(server, alice, bob):
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    a, b = alice.connect(), bob.connect()
    conversation = alice.with_(bob)
    first = a.say(bob, "hello")
    a.say(group, "all")
    b.send({"type": 31, "content": {"conversation_id": conversation, "seq": first["seq"]}})
    a.expect(type=31)
    b.send({"type": 33, "to": alice.id, "content": {}})
    a.expect(type=33)
    b.send({"type": 33, "content": {"conversation_id": f"group:{group}"}})
    a.send({"type": 50, "content": {"user_ids": [bob.id]}})
    a.send({"type": 60, "content": {}})
    a.send({"type": 61, "content": {"ref": "1", "path": "/api/users/me"}})
    a.send({"type": 77})
    a.send({"type": 99, "content": {}})
    a.send({"message_id": "bad", "type": 1, "to": bob.id, "content": {}})
    alice.api("PATCH", f"/api/conversations/{conversation}", {"pinned": True})
    wanted = {3, 30, 31, 33, 34, 38, 50, 60, 61, 99}
    wait_until(lambda: a.receive() and wanted <= {f["type"] for f in a.seen}, "a frame of each kind")
    for frame in a.seen + b.seen:
        assert {"message_id", "type", "from", "to", "content", "timestamp"} <= set(frame), frame
        assert frame["to"].startswith(("user_", "group_")), frame


@pytest.mark.parametrize("limit", [201, 5000, 2**40])
def test_a_limit_above_the_most_is_cut_to_it(server, alice, bob, limit):
    client = alice.connect()
    for i in range(209):
        client.text(bob, str(i))
    client.say(bob, "last")
    page = alice.api("GET", f"/api/messages/private/{bob.id}?limit={limit}&last_seq=0")
    assert len(page["messages"]) == 200 and page["has_more"]
    for bad in ("0", "-1", "x", "1.5"):
        assert alice.api.error("GET", f"/api/messages/private/{bob.id}?limit={bad}") == (400, 40002)


def test_pages_of_other_origins_can_upload():
    with Server({"security.allowed_origins": "https://app.example.org/"}) as server:
        alice = User(server)
        origin = {"Origin": "https://app.example.org"}
        ask = {**origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "tus-resumable, upload-offset, content-type, authorization"}
        api = Api(server)
        assert api.raw("OPTIONS", "/api/uploads/x", None, ask)[0] == 204
        allowed = {h.strip() for h in api.last_headers["access-control-allow-headers"].split(",")}
        assert {"authorization", "content-type", "tus-resumable", "upload-length", "upload-metadata", "upload-offset"} <= allowed
        assert {"HEAD", "PATCH", "DELETE", "POST"} <= {m.strip() for m in api.last_headers["access-control-allow-methods"].split(",")}
        assert api.raw("OPTIONS", "/api/uploads", None, origin)[0] == 204 and api.last_headers["tus-version"] == "1.0.0", "tus asks what there is"
        status, _ = alice.api.raw("POST", "/api/uploads", b"", {**origin, "Upload-Length": "1", "Tus-Resumable": "1.0.0"})
        exposed = {h.strip() for h in alice.api.last_headers["access-control-expose-headers"].split(",")}
        assert status == 201 and {"Location", "Upload-Offset", "Upload-Length", "Tus-Resumable", "Retry-After", "ETag"} <= exposed
        alice.api.raw("GET", "/api/users/me", headers={"Origin": "https://evil.example.org"})
        assert "access-control-allow-origin" not in alice.api.last_headers


def test_the_socket_s_address_is_the_one_that_the_client_used():
    behind = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "Host": "chat.example.org"}
    def url(server, headers):
        user = User(server)
        return Api(server).raw("POST", "/api/login", {"username": user.name, "password": user.password}, headers)[1]["data"]["websocket_url"]
    with Server({"server.trusted_proxies": "127.0.0.1"}) as server:
        assert url(server, behind) == "wss://chat.example.org/ws"
        assert url(server, {**behind, "X-Forwarded-Host": "other.example.org:8443"}) == "wss://other.example.org:8443/ws"
        assert url(server, {"Host": "node", "Forwarded": 'for=203.0.113.7;proto=https;host="chat.example.org"'}) == "wss://chat.example.org/ws"
    with Server() as server:
        assert url(server, behind) == "ws://chat.example.org/ws", "nobody is believed"
    with Server({"server.public_url": "https://example.org/chat/"}) as server:
        assert url(server, {"Host": "node:8080"}) == "wss://example.org/chat/ws"


def test_under_a_path_links_have_it_and_requests_may():
    with Server({"server.public_url": "https://example.org/chat/"}) as server:
        alice = User(server)
        for path in ("/chat/api/users/me", "/api/users/me"):
            assert alice.api("GET", path)["user_id"] == alice.id, "a proxy may cut the path, or not"
        assert alice.api.raw("GET", "/chatter/api/users/me")[0] == 404
        status, _ = alice.api.raw("POST", "/chat/api/uploads", b"", {"Upload-Length": "1", "Tus-Resumable": "1.0.0"})
        assert status == 201 and alice.api.last_headers["location"].startswith("/chat/api/uploads/")
        file = upload(alice, picture())
        assert file["url"].startswith("/chat/api/files/") and request(server, "GET", file["url"])[0] == 200
        client = alice.connect()
        client.send({"message_id": "m1", "type": 4, "to": User(server).id, "content": {"file_id": file["file_id"]}})
        assert client.expect(type=30)["content"]["seq"] == 1
        for path in ("/chat", "/chat/", "/", "/chat/c/x", "/chat/index.html"):
            status, headers, page = request(server, "GET", path, headers={"Accept": "text/html"})
            assert status == 200 and b'<base href="/chat/">' in page, path
            assert request(server, "GET", path, headers={"Accept": "text/html", "If-None-Match": headers["etag"]})[0] == 304
        assert request(server, "GET", "/chat/icon.svg")[0] == 200


@pytest.mark.parametrize("url", ["https://example.org/chat room", "https://example.org/\"><script>", "https://example.org/a;b", "example.org/chat"])
def test_a_public_address_that_no_page_could_have_is_refused(url):
    done = subprocess.run([str(BINARY), "check", "--set", f"server.public_url={url}"], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "server.public_url" in done.stderr + done.stdout


@pytest.mark.parametrize("host, origin", [("chat.example.org:443", "https://chat.example.org"), ("chat.example.org", "https://chat.example.org:443"), ("Chat.Example.org", "https://chat.example.org"),
                                          ("chat.example.org:80", "http://chat.example.org"), ("chat.example.org:8443", "https://chat.example.org:8443")])
def test_one_origin_may_be_written_in_several_ways(server, alice, host, origin):
    with plug(server) as s:
        s.sendall((f"GET /ws?token={alice.token} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        assert s.recv(100).startswith(b"HTTP/1.1 101 ")
