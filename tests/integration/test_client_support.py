"""What the web client needs beside messages: receipts, settings on all devices, its own files."""
import gzip
import http.client
import re

import pytest
from harness import Api, Server, wait_until


def counts(user, conversation, *seqs):
    path = f"/api/conversations/{conversation}/receipts?seq={','.join(map(str, seqs))}"
    return [(r["seq"], r["read_count"], r["unread_count"]) for r in user.api("GET", path)["receipts"]]


def test_who_has_read_a_message_of_a_group(alice, bob, carol):
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id, carol.id]})
    conversation = group["conversation_id"]
    a, b = alice.connect(), bob.connect()
    first = a.say(group["group_id"], "one")
    second = a.say(group["group_id"], "two")
    assert counts(alice, conversation, first["seq"], second["seq"]) == [(2, 0, 2), (3, 0, 2)]
    b.send({"type": 31, "content": {"conversation_id": conversation, "seq": first["seq"]}})
    wait_until(lambda: counts(alice, conversation, 2) == [(2, 1, 1)], "Bob's mark")
    path = f"/api/messages/{first['message_id']}/receipts"
    read = alice.api("GET", path)
    assert (read["read_count"], read["unread_count"], [u["user_id"] for u in read["users"]]) == (1, 1, [bob.id])
    assert [u["user_id"] for u in alice.api("GET", f"{path}?list=unread")["users"]] == [carol.id]
    # The sender of a message does not count for it, whoever asks.
    assert bob.api("GET", path)["read_count"] == 1
    page = alice.api("GET", f"/api/messages/{second['message_id']}/receipts?list=unread&limit=1")
    assert len(page["users"]) == 1 and page["next_cursor"]
    rest = alice.api("GET", f"/api/messages/{second['message_id']}/receipts?list=unread&limit=1&cursor={page['next_cursor']}")
    assert {page["users"][0]["user_id"], rest["users"][0]["user_id"]} == {bob.id, carol.id} and not rest["next_cursor"]


def test_a_member_who_came_later_counts_for_what_he_may_see(alice, bob, carol):
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})
    a = alice.connect()
    before = a.say(group["group_id"], "before")
    alice.api("POST", f"/api/groups/{group['group_id']}/members", {"member_ids": [carol.id]})
    after = a.say(group["group_id"], "after")
    assert counts(alice, group["conversation_id"], before["seq"], after["seq"]) == [(2, 0, 1), (4, 0, 2)]
    assert carol.api.error("GET", f"/api/messages/{before['message_id']}/receipts") == (404, 40401)


def test_receipts_are_for_members_only(alice, bob, carol):
    message = alice.connect().say(bob, "private")
    conversation = alice.with_(bob)
    assert counts(alice, conversation, 1) == [(1, 0, 1)]
    assert carol.api.error("GET", f"/api/conversations/{conversation}/receipts?seq=1") == (404, 40401)
    assert carol.api.error("GET", f"/api/messages/{message['message_id']}/receipts") == (404, 40401)
    assert alice.api.error("GET", "/api/messages/none/receipts") == (404, 40401)


@pytest.mark.parametrize("query", ["", "?seq=", "?seq=0", "?seq=-1", "?seq=1,x", "?seq=1;2", "?seq=" + ",".join(["1"] * 101), "?seq=99999999999999999999"])
def test_receipts_say_what_they_need(alice, bob, query):
    alice.connect().say(bob, "x")
    assert alice.api.error("GET", f"/api/conversations/{alice.with_(bob)}/receipts{query}") == (400, 40002)


def test_settings_and_drafts_reach_the_other_devices(alice, bob):
    phone, laptop = alice.connect(device_id="phone"), alice.connect(device_id="laptop")
    phone.say(bob, "x")
    conversation = alice.with_(bob)
    alice.api("PATCH", f"/api/conversations/{conversation}", {"pinned": True, "draft": "half a thought"})
    for device in (phone, laptop):
        content = device.expect(type=38)["content"]
        assert content | {"session_id": ""} == {"conversation_id": conversation, "session_id": "", "pinned": True, "muted": False, "archived": False, "draft": "half a thought"}
        assert content["session_id"] == alice.login["session_id"]
    b = bob.connect()
    alice.api("PATCH", f"/api/conversations/{conversation}", {"muted": True})
    b.expect_nothing(type=38)


def test_the_list_says_how_far_the_peer_has_got_and_what_i_am_in_a_group(alice, bob):
    a, b = alice.connect(), bob.connect()
    a.say(bob, "one")
    a.say(bob, "two")
    b.send({"type": 37, "content": {"conversation_id": alice.with_(bob), "seq": 2}})
    b.send({"type": 31, "content": {"conversation_id": alice.with_(bob), "seq": 1}})
    alice.api("POST", "/api/groups", {"name": "g"})

    def entries():
        found = {c["type"]: c for c in alice.api("GET", "/api/conversations")["conversations"]}
        return found if (found["private"]["peer_read_seq"], found["private"]["peer_delivered_seq"]) == (1, 2) else None

    found = wait_until(entries, "Bob's marks")
    assert found["group"]["group"]["role"] == "owner"


def fetch(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_the_web_client_is_served_from_the_binary(server):
    status, headers, page = fetch(server, "/")
    assert status == 200 and b'<div id="app">' in page
    assert headers["content-type"] == "text/html; charset=utf-8" and headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff" and "default-src 'none'" in headers["content-security-policy"]
    script = re.search(rb'src="\.(/assets/[^"]+\.js)"', page).group(1).decode()
    status, headers, plain = fetch(server, script)
    assert status == 200 and headers["content-type"].startswith("text/javascript") and "immutable" in headers["cache-control"]
    status, headers, packed = fetch(server, script, Accept_Encoding="gzip")
    assert headers["content-encoding"] == "gzip" and gzip.decompress(packed) == plain
    status, again, body = fetch(server, script, If_None_Match=headers["etag"])
    assert status == 304 and body == b"" and again["etag"] == headers["etag"]
    status, headers, body = fetch(server, script, method="HEAD")
    assert status == 200 and body == b"" and int(headers["content-length"]) == len(plain)
    assert fetch(server, script, Accept_Encoding="gzip;q=0, identity")[1].get("content-encoding") is None


@pytest.mark.parametrize("path, accept, expected", [
    ("/c/private:a:b", "text/html", 200), ("/settings/profile", "text/html,*/*", 200), ("/settings/profile", "application/json", 404),
    ("/assets/none.js", "text/html", 404), ("/none.png", "text/html", 404), ("/api/none", "text/html", 404), ("/api", "text/html", 404),
    ("/../../etc/passwd", "text/html", 404), ("/%2e%2e/%2e%2e/etc/passwd", "text/html", 404), ("/index.html", "*/*", 200),
])
def test_a_view_is_the_page_and_anything_else_is_not(server, path, accept, expected):
    status, headers, body = fetch(server, path, Accept=accept)
    if expected == 200:
        assert status == 200 and b'<div id="app">' in body
    else:
        assert b'<div id="app">' not in body or status == 200 and "passwd" in path
        assert b"root:" not in body


def test_a_path_of_the_client_takes_get_only(server):
    assert fetch(server, "/settings", method="POST")[0] == 404


def test_the_server_says_what_it_is_and_allows(server):
    info = Api(server)("GET", "/api/server")
    assert (info["name"], info["registration"], info["sign_in"]) == ("SimpleIM", "open", ["password"])
    assert (info["recall_window_s"], info["edit_window_s"], info["password_min_length"]) == (120, 86400, 6)
    assert info["limits"]["text_code_points"] == 20000 and info["version"]


def test_registration_can_be_closed():
    settings = {"server.name": "Example & Söhne", "auth.registration": "closed", "message.recall_window_s": 0}
    with Server(settings) as server:
        info = Api(server)("GET", "/api/server")
        assert (info["name"], info["registration"], info["recall_window_s"]) == ("Example & Söhne", "closed", 0)
        assert Api(server).error("POST", "/api/register", {"username": "eve", "password": "secret-1"}) == (403, 40306)
