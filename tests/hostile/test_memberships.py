"""Groups: what a group or a user has decided holds, whatever somebody does to get round it."""
import json
import time

import pytest
from harness import Api, Server, User, new_id, wait_until
from harness.raw import plug, upgrade_request


def make_group(owner, *members, **more):
    return owner.api("POST", "/api/groups", {"name": "g", "member_ids": [m.id for m in members], **more})["group_id"]


def join(user, group):
    return user.api.raw("POST", f"/api/groups/{group}/join", {})


def members(user, group):
    return {m["user_id"] for m in user.api("GET", f"/api/groups/{group}/members")["members"]}


def muted(admin, group, user, seconds=600):
    admin.api("PATCH", f"/api/groups/{group}/members/{user.id}", {"muted_until": int(time.time() * 1000) + seconds * 1000})


def refusal(client, group, text="x"):
    return client.say(group, text).get("code")


def test_a_mute_outlives_leaving_and_coming_back(server, alice, bob):
    group = make_group(alice, bob)
    muted(alice, group, bob)
    client = bob.connect()
    assert refusal(client, group) == 40304
    bob.api("POST", f"/api/groups/{group}/leave", {})
    assert join(bob, group)[0] == 200
    assert refusal(client, group) == 40304
    bob.api("POST", f"/api/groups/{group}/leave", {})
    alice.api("POST", f"/api/groups/{group}/members", {"user_ids": [bob.id]})
    assert refusal(client, group) == 40304, "also when he is let in by somebody else"
    muted(alice, group, bob, 0)
    assert refusal(client, group) is None


def test_a_muted_member_does_not_speak_by_his_name(server, alice, bob):
    group = make_group(alice, bob)
    muted(alice, group, bob)
    assert bob.api.error("PATCH", f"/api/groups/{group}/members/{bob.id}", {"nickname": "buy my things"}) == (403, 40304)
    alice.api("PATCH", f"/api/groups/{group}/members/{bob.id}", {"nickname": "Bob"})


def test_who_was_removed_does_not_come_back_by_himself(server, alice, bob, carol):
    group = make_group(alice, bob, carol)
    alice.api("DELETE", f"/api/groups/{group}/members/{bob.id}")
    assert join(bob, group)[0] == 200
    assert bob.id not in members(alice, group), "he has only asked"
    assert bob.id in {r["user_id"] for r in alice.api("GET", f"/api/groups/{group}/requests")["requests"]}
    assert carol.api("POST", f"/api/groups/{group}/members", {"user_ids": [bob.id]})["added"] == [], "a member cannot undo it"
    assert alice.api("POST", f"/api/groups/{group}/members", {"user_ids": [bob.id]})["added"] == [bob.id]
    bob.api("POST", f"/api/groups/{group}/leave", {})
    join(bob, group)
    assert bob.id in members(alice, group), "it is forgiven"


def test_a_block_is_not_got_round_by_a_group(server, alice, bob, carol):
    bob.api("PUT", f"/api/blocks/{alice.id}")
    group = make_group(alice, bob, carol)
    assert members(alice, group) == {alice.id, carol.id}
    assert alice.api("POST", f"/api/groups/{group}/members", {"user_ids": [bob.id]})["added"] == []
    assert carol.api("POST", f"/api/groups/{group}/members", {"user_ids": [bob.id]})["added"] == [bob.id]


def test_each_decides_who_may_put_him_into_groups(server, alice, bob, carol):
    assert bob.api("GET", "/api/users/me")["invites"] == "everybody"
    assert bob.api("PATCH", "/api/users/me", {"invites": "nobody"})["invites"] == "nobody"
    group = make_group(alice, bob)
    assert members(alice, group) == {alice.id}
    bob.api("PATCH", "/api/users/me", {"invites": "contacts"})
    add = lambda who: who.api("POST", f"/api/groups/{group}/members", {"user_ids": [bob.id]})["added"]
    assert add(alice) == []
    alice.connect().say(bob, "may I?")
    assert add(alice) == [], "to be written to makes no contact"
    bob.connect().say(alice, "yes")
    assert add(alice) == [bob.id]
    assert bob.api.error("PATCH", "/api/users/me", {"invites": "friends"}) == (400, 40002)
    bob.api("PATCH", "/api/users/me", {"invites": "nobody"})
    bob.api("POST", f"/api/groups/{group}/leave", {})
    join(bob, group)
    assert bob.id in members(alice, group), "he himself may go where he likes"
    # And who asked to be let in can be.
    closed = make_group(alice)
    alice.api("PATCH", f"/api/groups/{closed}", {"join_policy": "approval"})
    join(bob, closed)
    assert alice.api("POST", f"/api/groups/{closed}/members", {"user_ids": [bob.id]})["added"] == [bob.id]


def test_an_edit_shows_nothing_to_who_may_not_see_the_message(server, alice, bob, carol):
    group = make_group(alice, bob)
    a, b = alice.connect(), bob.connect()
    old = new_id()
    a.say(group, "secret: 1", message_id=old)
    c = carol.connect()
    join(carol, group)
    c.expect(type=3)
    a.send({"message_id": new_id(), "type": 35, "content": {"message_id": old, "content": {"text": "CONFIDENTIAL"}}})
    a.say(group, "for all")
    c.expect(type=2)
    b.expect(type=2, content={"text": "for all"})
    assert "CONFIDENTIAL" in json.dumps(b.seen), "who saw it before sees what it is now"
    assert any(f.get("type") == 35 for f in c.seen), "the entry itself has its place in the sequence"
    assert "CONFIDENTIAL" not in json.dumps(c.seen)
    assert "CONFIDENTIAL" not in json.dumps(carol.group_history(group))
    assert "CONFIDENTIAL" in json.dumps(bob.group_history(group))
    edit = next(m for m in carol.group_history(group)["messages"] if m["type"] == 35)
    assert "CONFIDENTIAL" not in json.dumps(carol.api("GET", f"/api/messages/{edit['message_id']}"))
    again = carol.connect()  # everything undelivered once more
    assert "CONFIDENTIAL" not in json.dumps(again.seen)
    # What was said after he joined is his, edits and all.
    new = new_id()
    a.say(group, "later", message_id=new)
    a.send({"message_id": new_id(), "type": 35, "content": {"message_id": new, "content": {"text": "corrected"}}})
    wait_until(lambda: "corrected" in json.dumps([f for f in [again.receive()] if f]))


def test_a_message_takes_a_hundred_edits(server, alice, bob):
    client = alice.connect()
    message = new_id()
    client.say(bob, "0", message_id=message)
    codes = []
    for n in range(105):
        edit = new_id()
        client.send({"message_id": edit, "type": 35, "content": {"message_id": message, "content": {"text": str(n)}}})
        codes.append(client.expect(type=30, message_id=edit)["content"].get("code"))
    assert codes == [None] * 100 + [40903] * 5
    assert len(alice.api("GET", f"/api/messages/{message}/versions")["versions"]) == 100
    recall = new_id()
    client.send({"message_id": recall, "type": 32, "content": {"message_id": message}})
    assert "code" not in client.expect(type=30, message_id=recall)["content"]
    history = json.dumps(alice.history(bob))
    assert all(f'"text": "{n}"' not in history for n in range(105))


def test_a_removed_member_gets_nothing_more_through_a_sync_that_stalls():
    with Server() as server:
        alice, bob = User(server), User(server)
        group = make_group(alice, bob)
        alice.api("PATCH", f"/api/groups/{group}", {"join_policy": "invite"})
        a = alice.connect()
        for i in range(850):
            a.text(group, f"{i} " + "x" * 3400)
        a.say(group, "the last before")
        s = plug(server, receive_buffer=2048)
        s.sendall(upgrade_request(bob.token))
        head = b""
        while b"\r\n\r\n" not in head:
            head += s.recv(100)
        wait_until(lambda: server.get_json("/stats")["total_connections"] == 2)
        alice.api("DELETE", f"/api/groups/{group}/members/{bob.id}")
        for i in range(3):
            a.say(group, f"SECRET {i}")
        got = bytearray()
        s.settimeout(3)
        try:
            while piece := s.recv(1 << 20):
                got += piece
        except (TimeoutError, ConnectionError):
            pass
        assert len(got) > 1 << 16, "the sync was under way"
        assert b"SECRET" not in got
        s.close()


def online(watcher, user):
    return watcher.api("GET", f"/api/users/{user.id}")["online"]


def test_a_user_who_hides_is_offline_to_others(server, alice, bob):
    watcher, seen = alice.connect(), bob.connect()
    watcher.send({"type": 50, "content": {"user_ids": [bob.id]}})
    assert watcher.expect(type=50)["content"]["online"] is True
    bob.api("PATCH", "/api/users/me", {"show_online": False, "show_last_seen": False})
    assert watcher.expect(type=50)["content"]["online"] is False
    assert not online(alice, bob)
    seen.close()
    wait_until(lambda: server.get_json("/stats")["total_connections"] == 1)
    second = bob.connect()
    watcher.send({"type": 50, "content": {"user_ids": [bob.id]}})
    told = watcher.expect(type=50)["content"]
    assert (told["online"], told["last_seen"]) == (False, 0)
    assert alice.api("GET", f"/api/users/{bob.id}")["last_seen"] == 0
    bob.api("PATCH", "/api/users/me", {"show_online": True})
    assert watcher.expect(type=50)["content"]["online"] is True
    assert online(alice, bob)
    second.close()


def test_whom_one_has_blocked_does_not_see_one_online(server, alice, bob):
    bob.connect()
    assert online(alice, bob)
    bob.api("PUT", f"/api/blocks/{alice.id}")
    assert not online(alice, bob)
    watcher = alice.connect()
    watcher.send({"type": 50, "content": {"user_ids": [bob.id]}})
    watcher.expect_nothing(type=50)
    assert [u["online"] for u in alice.api("GET", f"/api/users?q={bob.name}")["users"]] == [False]
