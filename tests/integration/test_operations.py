"""Recall, edit, reactions and pins: stored, ordered and synced like messages (docs/decisions/0008)."""
import subprocess

import pytest
from harness import Server, User, new_id, wait_until

RECALL, EDIT, REACTION, PIN = 32, 35, 36, 39


def operate(client, type, target, message_id=None, **content):
    """Sends an operation and returns the content of its answer."""
    message_id = message_id or new_id()
    client.send({"message_id": message_id, "type": type, "content": {"message_id": target, **content}})
    return client.expect(type=30, message_id=message_id)["content"]


def edit(client, target, text, **content):
    return operate(client, EDIT, target, content={"text": text, **content})


@pytest.fixture
def group(alice, bob, carol):
    """alice owns it, bob and carol are in it."""
    return alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id, carol.id]})["group_id"]


def test_a_recalled_message_is_erased_and_leaves_a_tombstone(alice, bob):
    a, b = alice.connect(), bob.connect()
    first = a.say(bob, "a secret")
    a.say(bob, "after it")
    answer = operate(a, RECALL, first["message_id"])
    assert answer["seq"] == 3 and answer["conversation_id"] == alice.with_(bob)
    frame = b.expect(type=RECALL)
    assert frame["content"] == {"message_id": first["message_id"], "seq": 1} and frame["seq"] == 3 and frame["from"] == alice.id
    for user, other in ((alice, bob), (bob, alice)):
        messages = user.history(other)["messages"]
        assert [m["seq"] for m in messages] == [1, 2, 3] and "secret" not in str(messages)
        tombstone = messages[0]
        assert tombstone["content"] == {"recalled": True} and tombstone["type"] == 1
        assert tombstone["recalled_by"] == alice.id and tombstone["recalled_at"] > 10**12 and tombstone["version"] == 3


def test_a_recalled_message_does_not_count(alice, bob):
    a = alice.connect()
    kept, gone = a.say(bob, "one"), a.say(bob, "two")
    row = lambda: bob.api("GET", "/api/conversations")["conversations"][0]
    assert row()["unread"] == 2
    operate(a, RECALL, gone["message_id"])
    assert row()["unread"] == 1 and row()["last_seq"] == 3
    assert row()["last_message"]["message_id"] == gone["message_id"] and row()["last_message"]["content"] == {"recalled": True}
    operate(a, REACTION, kept["message_id"], emoji="👍")
    assert row()["unread"] == 1 and row()["last_message"]["message_id"] == gone["message_id"]


@pytest.mark.embedded
def test_the_disk_forgets_what_was_recalled():
    with Server() as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        first = a.say(bob, "canary-original-text")
        edit(a, first["message_id"], "canary-edited-text")
        operate(a, RECALL, first["message_id"])
        assert "canary" not in str(alice.history(bob)) + str(alice.api("GET", f"/api/messages/{first['message_id']}"))
        archived = lambda: not subprocess.run(["sqlite3", server.data_dir / "simpleim.db", "SELECT 1 FROM journal LIMIT 1"],
                                              capture_output=True, text=True, check=True).stdout
        wait_until(archived, "the journal to be archived")
        server.stop()
        found = subprocess.run(["grep", "-rl", "canary-", server.data_dir], capture_output=True, text=True).stdout
        assert not found, found


def test_who_may_recall_and_for_how_long(alice, bob, carol, group):
    a, b, c = alice.connect(), bob.connect(), carol.connect()
    bobs = b.say(group, "bob's")["message_id"]
    alices = a.say(group, "alice's")["message_id"]
    assert operate(c, RECALL, bobs)["code"] == 40302
    assert operate(b, RECALL, alices)["code"] == 40302
    assert operate(a, RECALL, bobs)["seq"] > 0  # the owner may
    alice.api("PATCH", f"/api/groups/{group}/members/{bob.id}", {"role": "admin"})
    assert operate(b, RECALL, alices)["seq"] > 0
    assert operate(b, RECALL, alices)["code"] == 40401  # once is enough
    private = a.say(bob, "private")["message_id"]
    assert operate(b, RECALL, private)["code"] == 40302
    assert operate(c, RECALL, private)["code"] == 40401
    assert operate(a, RECALL, new_id())["code"] == 40401


def test_after_the_window_only_admins_recall_and_nobody_edits():
    with Server({"message.recall_window_s": 1, "message.edit_window_s": 1}) as server:
        alice, bob = User(server), User(server)
        group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
        a, b = alice.connect(), bob.connect()
        first = b.say(group, "old")
        # Server time moves on: wait for the window on the server's own clock.
        wait_until(lambda: b.say(group, "tick")["timestamp"] > first["timestamp"] + 1000)
        assert operate(b, RECALL, first["message_id"])["code"] == 41001
        assert edit(b, first["message_id"], "new")["code"] == 41001
        assert operate(a, RECALL, first["message_id"])["seq"] > 0


def test_muted_and_blocked_people_may_still_take_back_their_words(alice, bob, group):
    b = bob.connect()
    in_group, private = b.say(group, "hm")["message_id"], b.say(alice, "hm")["message_id"]
    alice.api("PATCH", f"/api/groups/{group}/members/{bob.id}", {"muted_until": 4102444800000})
    alice.api("PUT", f"/api/blocks/{bob.id}")
    assert edit(b, in_group, "louder")["code"] == 40304 and edit(b, private, "louder")["code"] == 40303
    assert operate(b, REACTION, in_group, emoji="😡")["code"] == 40304
    assert operate(b, RECALL, in_group)["seq"] > 0 and operate(b, RECALL, private)["seq"] > 0


def test_an_edit_replaces_the_text_and_keeps_what_it_was(alice, bob):
    a, b = alice.connect(), bob.connect()
    first = a.say(bob, "frist")
    for text in ("first", "First!"):
        edit(a, first["message_id"], text)
    frame = b.expect(type=EDIT, seq=3)
    assert frame["content"] == {"message_id": first["message_id"], "seq": 1, "content": {"text": "First!"}}
    message = bob.history(alice)["messages"][0]
    assert message["content"] == {"text": "First!"} and message["edited_at"] > 10**12 and message["version"] == 3
    assert message["timestamp"] == first["timestamp"]
    versions = bob.api("GET", f"/api/messages/{first['message_id']}/versions")["versions"]
    assert [v["content"]["text"] for v in versions] == ["frist", "first"]
    assert edit(b, first["message_id"], "mine now")["code"] == 40302
    assert edit(a, first["message_id"], "")["code"] == 40002


def test_an_edit_may_mention(alice, bob, group):
    a = alice.connect()
    first = a.say(group, "all")["message_id"]
    row = lambda: next(c for c in bob.api("GET", "/api/conversations")["conversations"] if c["type"] == "group")
    assert row()["mentioned_seq"] == 0
    answer = edit(a, first, "@bob", at_user_ids=[bob.id])
    assert row()["mentioned_seq"] == answer["seq"] - 1
    operate(a, RECALL, first)
    assert row()["mentioned_seq"] == 0


def test_reactions_are_counted_once_a_person(alice, bob, group):
    a, b = alice.connect(), bob.connect()
    target = a.say(group, "look")["message_id"]
    assert operate(a, REACTION, target, emoji="👍")["seq"]
    operate(b, REACTION, target, emoji="👍")
    operate(b, REACTION, target, emoji="👍")
    operate(b, REACTION, target, emoji="🎉")
    assert [f["content"]["count"] for f in a.seen if f["type"] == REACTION] == []
    a.expect(type=REACTION)
    shown = lambda user: user.api("GET", f"/api/messages/{target}")["message"].get("reactions", [])
    assert sorted((r["emoji"], r["count"], r["mine"]) for r in shown(alice)) == [("🎉", 1, False), ("👍", 2, True)]
    page = alice.group_history(group)
    assert next(m for m in page["messages"] if m["message_id"] == target)["reactions"] == shown(alice)
    names = alice.api("GET", f"/api/messages/{target}/reactions?emoji=%F0%9F%91%8D")["users"]
    assert {u["user_id"] for u in names} == {alice.id, bob.id}
    last = operate(b, REACTION, target, emoji="👍", add=False)
    frame = a.expect(type=REACTION, seq=last["seq"])
    assert frame["content"]["count"] == 1 and frame["content"]["add"] is False
    for bad in ("", "two words", "x" * 17, None, 5):
        assert operate(b, REACTION, target, emoji=bad)["code"] == 40002
    for i in range(18):
        operate(b, REACTION, target, emoji=chr(0x1F600 + i))
    assert operate(b, REACTION, target, emoji="🦄")["code"] == 40903
    assert operate(a, REACTION, target, emoji="🎉")["seq"]  # one that is there is no further kind


def test_pins_are_listed_newest_first(alice, bob, carol, group):
    a, b = alice.connect(), bob.connect()
    ids = [a.say(group, f"m{i}")["message_id"] for i in range(3)]
    operate(a, PIN, ids[0], pin=True)
    operate(b, PIN, ids[2], pin=True)
    pins = lambda: bob.api("GET", f"/api/conversations/group:{group}/pins")["pins"]
    assert [(p["message"]["message_id"], p["pinned_by"]) for p in pins()] == [(ids[2], bob.id), (ids[0], alice.id)]
    operate(b, PIN, ids[0], pin=False)
    operate(a, RECALL, ids[2])
    assert pins() == []
    stranger = User(alice.server)
    assert stranger.api.error("GET", f"/api/conversations/group:{group}/pins") == (404, 40401)


def test_an_operation_reaches_who_was_away_like_a_message(alice, bob):
    a = alice.connect()
    first = a.say(bob, "typo")
    edit(a, first["message_id"], "no typo")
    operate(a, REACTION, first["message_id"], emoji="👍")
    b = bob.connect(synced=False)
    assert [b.receive()["type"] for _ in range(4)] == [1, EDIT, REACTION, 60]
    page = bob.history(alice, after_seq=1)
    assert [m["type"] for m in page["messages"]] == [EDIT, REACTION] and page["as_of"] == 3
    second = alice.device().connect(sync="summary")
    operate(a, RECALL, first["message_id"])
    assert second.expect(type=RECALL)["content"]["message_id"] == first["message_id"]
    assert b.expect(type=RECALL)["seq"] == 4
    a.expect_nothing(type=RECALL)


def test_an_operation_sent_twice_is_one_also_after_a_restart():
    with Server({"message.recall_window_s": 1}) as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        first = a.say(bob, "x")
        answers = [operate(a, RECALL, first["message_id"], message_id="op-1") for _ in range(2)]
        assert answers[0] == answers[1] and answers[0]["seq"] == 2
        server.kill()
        server.restart()
        a = alice.connect()
        assert operate(a, RECALL, first["message_id"], message_id="op-1") == answers[0]
        assert [m["seq"] for m in alice.history(bob)["messages"]] == [1, 2]
        assert alice.history(bob)["messages"][0]["content"] == {"recalled": True}


@pytest.mark.embedded
def test_operations_survive_a_crash_at_once_and_after_archiving():
    with Server() as server:
        alice, bob = User(server), User(server)
        for archive in (False, True):
            a = alice.connect()
            first, second = a.say(bob, "first"), a.say(bob, "second")
            if archive:
                wait_until(lambda: not subprocess.run(["sqlite3", server.data_dir / "simpleim.db", "SELECT 1 FROM journal LIMIT 1"],
                                                      capture_output=True, text=True, check=True).stdout)
            edit(a, first["message_id"], "FIRST")
            operate(a, REACTION, first["message_id"], emoji="👍")
            operate(a, RECALL, second["message_id"])
            server.kill()
            server.restart()
            page = {m["message_id"]: m for m in alice.history(bob)["messages"]}
            assert page[first["message_id"]]["content"] == {"text": "FIRST"}
            assert page[first["message_id"]]["reactions"][0]["count"] == 1
            assert page[second["message_id"]]["content"] == {"recalled": True}


def test_pipelined_with_the_message_it_is_about(alice, bob):
    a = alice.connect()
    target = a.text(bob, "sent")
    for i in range(20):
        a.send({"message_id": new_id(), "type": EDIT, "content": {"message_id": target, "content": {"text": f"edit {i}"}}})
    recall = new_id()
    a.send({"message_id": recall, "type": RECALL, "content": {"message_id": target}})
    assert a.expect(type=30, message_id=recall)["content"]["seq"] == 22
    assert "edit" not in str(alice.history(bob)["messages"])


def test_what_a_new_member_may_not_see_he_may_not_touch(alice, bob, group):
    a = alice.connect()
    before = a.say(group, "before")["message_id"]
    dave = User(alice.server)
    alice.api("POST", f"/api/groups/{group}/members", {"user_ids": [dave.id]})
    d = dave.connect()
    assert operate(d, REACTION, before, emoji="👍")["code"] == 40401
    for path in ("", "/versions", "/reactions?emoji=x"):
        assert dave.api.error("GET", f"/api/messages/{before}{path}") == (404, 40401)
    assert dave.api.error("GET", f"/api/messages/{new_id()}") == (404, 40401)


def test_what_is_wrong_is_said(alice, bob):
    a = alice.connect()
    for type, content in ((RECALL, {}), (RECALL, {"message_id": 5}), (EDIT, {"message_id": "x"}), (REACTION, {"message_id": "x"}),
                          (PIN, {"message_id": "x", "pin": "yes"}), (EDIT, {"message_id": "x", "content": {"text": 1}})):
        message_id = new_id()
        a.send({"message_id": message_id, "type": type, "content": content})
        assert a.expect(type=30, message_id=message_id)["content"]["code"] == 40002, content
    a.send({"type": RECALL, "content": {}})
    assert a.expect(type=34)["content"]["code"] == 40002
    event = alice.api("POST", "/api/groups", {"name": "g"})
    created = alice.group_history(event["group_id"])["messages"][0]["message_id"]
    assert operate(a, RECALL, created)["code"] == 40002
