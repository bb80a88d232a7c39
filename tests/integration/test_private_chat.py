"""One to one: stored, acknowledged, delivered, once and in order (protocol.md section 3)."""
import pytest
from harness import Server, User, new_id, wait_until


def test_a_message_reaches_the_other_and_is_acknowledged(alice, bob):
    a, b = alice.connect(), bob.connect()
    ack = a.say(bob, "hi 你好")
    assert ack["seq"] == 1 and ack["conversation_id"] == alice.with_(bob)
    got = b.expect(type=1)
    assert got["content"] == {"text": "hi 你好"}
    assert (got["from"], got["to"], got["seq"], got["timestamp"]) == (alice.id, bob.id, 1, ack["timestamp"])
    assert got["message_id"] == ack["message_id"] and got["conversation_id"] == alice.with_(bob)


def test_fields_that_the_server_sets_cannot_be_forged(alice, bob, carol):
    a, b = alice.connect(), bob.connect()
    message_id = new_id()
    a.send({"message_id": message_id, "type": 1, "from": carol.id, "to": bob.id, "seq": 999, "timestamp": 1, "conversation_id": "private:x:y",
            "content": {"text": "forged"}})
    a.expect(type=30, message_id=message_id)
    got = b.expect(type=1)
    assert got["from"] == alice.id and got["seq"] == 1 and got["timestamp"] > 10**12 and got["conversation_id"] == alice.with_(bob)


def test_type_0_goes_to_a_user_or_a_group(alice, bob):
    a, b = alice.connect(), bob.connect()
    a.send({"message_id": new_id(), "type": 0, "to": bob.id, "content": {"text": "to you"}})
    assert b.expect(type=0)["content"]["text"] == "to you"
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    a.send({"message_id": new_id(), "type": 0, "to": bob.id, "group_id": group, "content": {"text": "to all"}})
    assert b.expect(type=0)["conversation_id"] == f"group:{group}"


def test_without_an_id_the_server_makes_one(alice, bob):
    a = alice.connect()
    a.send({"type": 1, "to": bob.id, "content": {"text": "x"}})
    ack = a.expect(type=30)
    assert len(ack["message_id"]) == 36 and ack["content"]["message_id"] == ack["message_id"]


def test_the_same_id_again_is_the_same_message_also_after_a_restart():
    with Server() as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        first = a.say(bob, "once", message_id="my-id")
        again = a.say(bob, "twice", message_id="my-id")
        assert again == first
        b.expect(type=1)
        b.expect_nothing(type=1)
        server.kill()
        server.restart()
        a = alice.connect()
        assert a.say(bob, "thrice", message_id="my-id") == first
        assert [m["content"]["text"] for m in alice.history(bob)["messages"]] == ["once"]


def test_another_senders_id_is_refused(alice, bob):
    a, b = alice.connect(), bob.connect()
    used = a.say(bob, "mine")["message_id"]
    assert b.say(alice, "also mine?", message_id=used)["code"] == 40902


def test_order_is_the_order_of_sending(alice, bob):
    a, b = alice.connect(), bob.connect()
    ids = [a.text(bob, str(i)) for i in range(1000)]
    seqs = {ack["message_id"]: ack["content"]["seq"] for ack in (a.expect(type=30) for _ in ids)}
    assert [seqs[i] for i in ids] == list(range(1, 1001))
    assert [b.expect(type=1)["content"]["text"] for _ in ids] == [str(i) for i in range(1000)]


def test_the_senders_other_devices_get_it_and_the_sending_one_does_not(alice, bob):
    first, second = alice.connect(), alice.device().connect()
    first.say(bob, "from the first")
    assert second.expect(type=1)["content"]["text"] == "from the first"
    first.expect_nothing(type=1)


def test_a_note_to_oneself_reaches_ones_other_device_once(alice):
    first, second = alice.connect(), alice.device().connect()
    first.say(alice, "note")
    second.expect(type=1)
    second.expect_nothing(type=1)


def test_who_was_away_gets_everything_in_order_and_only_once(alice, bob):
    a = alice.connect()
    for i in range(50):
        a.say(bob, str(i))
    b = bob.connect()
    assert [f["content"]["text"] for f in b.seen if f["type"] == 1] == [str(i) for i in range(50)]
    assert b.sync_frame["content"]["conversations"][0]["last_seq"] == 50
    b.send({"type": 37, "content": {"conversation_id": alice.with_(bob), "seq": 50}})
    a.expect(type=37)
    b.close()
    again = bob.connect()
    assert [f for f in again.seen if f["type"] == 1] == []


def test_what_was_never_confirmed_comes_again(alice, bob):
    a = alice.connect()
    a.say(bob, "x")
    for _ in range(2):
        b = bob.connect()
        assert [f["content"]["text"] for f in b.seen if f["type"] == 1] == ["x"]
        b.close()


def test_an_answered_ping_counts_as_delivered():
    with Server({"heartbeat.ping_s": 1, "heartbeat.silence_s": 5}) as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        a.say(bob, "x")
        b.expect(type=1)
        a.expect(type=37, conversation_id=alice.with_(bob))  # bob's client answered a ping
        b.close()
        assert [f for f in bob.connect().seen if f["type"] == 1] == []


def test_sync_summary_pushes_nothing(alice, bob):
    alice.connect().say(bob, "x")
    b = bob.connect(sync="summary")
    assert [f["type"] for f in b.seen] == [60]
    entry = b.sync_frame["content"]["conversations"][0]
    assert (entry["last_seq"], entry["read_seq"], entry["unread"]) == (1, 0, 1)


def test_more_than_a_sync_brings_is_said_and_can_be_fetched():
    with Server({"message.sync_push_limit": 10}) as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        for i in range(25):
            a.say(bob, str(i))
        b = bob.connect()
        assert [f["seq"] for f in b.seen if f["type"] == 1] == list(range(1, 11))
        assert b.sync_frame["content"]["has_more"] is True
        rest = bob.history(alice, after_seq=10)
        assert [m["seq"] for m in rest["messages"]] == list(range(11, 26)) and not rest["has_more"]


def test_a_conversation_with_nobody_is_refused(alice):
    a = alice.connect()
    a.send({"message_id": "n", "type": 1, "to": "user_0000000000001", "content": {"text": "x"}})
    assert a.expect(type=30)["content"]["code"] == 40401


def test_read_marks_go_to_the_peer_and_never_back(alice, bob):
    a, b, b2 = alice.connect(), bob.connect(), bob.device().connect()
    for i in range(3):
        a.say(bob, str(i))
    conversation = alice.with_(bob)
    b.send({"type": 31, "content": {"conversation_id": conversation, "seq": 2}})
    for other in (a, b2):
        mark = other.expect(type=31)
        assert mark["content"] == {"conversation_id": conversation, "seq": 2} and mark["from"] == bob.id
    b.send({"type": 31, "content": {"conversation_id": conversation, "seq": 1}})
    b.send({"type": 31, "content": {"conversation_id": conversation, "seq": 99}})  # as far as there is
    assert a.expect(type=31)["content"]["seq"] == 3
    entry = bob.api("GET", "/api/conversations")["conversations"][0]
    assert (entry["read_seq"], entry["unread"]) == (3, 0)


def test_typing_is_forwarded_at_most_once_in_three_seconds_and_not_stored(alice, bob):
    a, b = alice.connect(), bob.connect()
    for _ in range(5):
        a.send({"type": 33, "to": bob.id, "content": {}})
    assert b.expect(type=33)["from"] == alice.id
    b.expect_nothing(type=33)
    assert alice.history(bob)["messages"] == []


def test_presence_is_told_to_who_asked(alice, bob):
    a = alice.connect()
    a.send({"type": 50, "content": {"user_ids": [bob.id]}})
    assert a.expect(type=50)["content"]["online"] is False
    b = bob.connect()
    assert a.expect(type=50)["content"] == {"user_id": bob.id, "online": True, "last_seen": a.seen[-1]["content"]["last_seen"]}
    b.close()
    assert a.expect(type=50)["content"]["online"] is False
    wait_until(lambda: alice.api("GET", f"/api/users/{bob.id}")["last_seen"] > 0, "last_seen is stored")


def test_heartbeat_is_answered_with_the_servers_time(alice):
    a = alice.connect()
    a.send({"type": 99, "content": {"timestamp": 1}})
    assert a.expect(type=99)["content"]["timestamp"] > 10**12


def test_blocked_users_messages_and_typing_are_refused(alice, bob):
    a, b = alice.connect(), bob.connect()
    assert a.say(bob, "before").get("seq") == 1
    bob.api("PUT", f"/api/blocks/{alice.id}")
    assert a.say(bob, "after")["code"] == 40303
    a.send({"type": 33, "to": bob.id, "content": {}})
    b.expect(type=1)
    b.expect_nothing(type=33)
    assert b.say(alice, "I still can").get("seq") == 2
    assert [u["user_id"] for u in bob.api("GET", "/api/blocks")["users"]] == [alice.id]
    bob.api("DELETE", f"/api/blocks/{alice.id}")
    assert a.say(bob, "again").get("seq") == 3


@pytest.mark.parametrize("page", [1, 7, 50])
def test_history_pages_both_ways_show_each_message_once(server, page):
    alice, bob = User(server), User(server)
    a = alice.connect()
    for i in range(60):
        a.text(bob, str(i))
    for _ in range(60):
        a.expect(type=30)
    back, before = [], 0
    while True:
        got = alice.history(bob, limit=page, last_seq=before)
        back = got["messages"] + back
        if not got["has_more"]:
            break
        before = got["messages"][0]["seq"]
    forth, after = [], 0
    while True:
        got = bob.history(alice, limit=page, after_seq=after)
        forth += got["messages"]
        if not got["has_more"]:
            break
        after = got["messages"][-1]["seq"]
    assert [m["seq"] for m in back] == list(range(1, 61))
    assert back == forth
