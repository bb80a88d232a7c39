"""Calls: signals are passed on, nobody rings for ever, and a record stays (protocol.md, types 40 to 45)."""
import base64
import hashlib
import hmac

import pytest
from harness import Server, User, new_id

INVITE, ACCEPT, REJECT, ICE, HANGUP, BUSY = range(40, 46)


def signal(client, type, call_id, to=None, **content):
    client.send({"type": type, **({"to": to.id} if to else {}), "content": {"call_id": call_id, **content}})


def test_a_call_from_ring_to_record(alice, bob):
    a, a2, b, b2 = alice.connect(), alice.device().connect(), bob.connect(), bob.device().connect()
    call = new_id()
    signal(a, INVITE, call, bob, kind="video", sdp="offer")
    for device in (b, b2, a2):
        got = device.expect(type=INVITE)
        assert (got["from"], got["to"], got["content"]) == (alice.id, bob.id, {"call_id": call, "kind": "video", "sdp": "offer"})
    signal(b, ACCEPT, call, sdp="answer")
    assert a.expect(type=ACCEPT)["content"]["sdp"] == "answer"
    assert b2.expect(type=ACCEPT)["from"] == bob.id  # answered elsewhere
    signal(a, ICE, call, candidate={"candidate": "x", "sdpMid": "0"})
    assert b.expect(type=ICE)["content"]["candidate"]["candidate"] == "x"
    signal(b2, ACCEPT, call)
    assert b2.expect(type=34)["content"]["code"] == 40903
    signal(b, HANGUP, call)
    assert a.expect(type=HANGUP)["from"] == bob.id
    for user, other in ((alice, bob), (bob, alice)):
        message = user.history(other)["messages"][-1]
        assert message["type"] == 3 and message["from"] == alice.id
        content = message["content"]
        assert (content["event"], content["status"], content["kind"], content["operator_id"], content["target_ids"]) == ("call", "answered", "video", alice.id, [bob.id])
    row = bob.api("GET", "/api/conversations")["conversations"][0]
    assert row["unread"] == 0 and row["last_message"]["content"]["event"] == "call"
    a.expect_nothing(type=INVITE)


@pytest.mark.parametrize("who, type, status", [("callee", REJECT, "rejected"), ("caller", HANGUP, "cancelled"), ("callee", BUSY, "busy"), ("callee", HANGUP, "rejected")])
def test_how_a_call_ends_before_it_begins(alice, bob, who, type, status):
    a, b = alice.connect(), bob.connect()
    call = new_id()
    signal(a, INVITE, call, bob, kind="audio", sdp="x")
    b.expect(type=INVITE)
    signal(b if who == "callee" else a, type, call)
    (a if who == "callee" else b).expect(type=type)
    assert alice.history(bob)["messages"][-1]["content"]["status"] == status


@pytest.mark.parametrize("sync", ["push", "summary"])
def test_a_device_that_comes_while_it_rings_rings_too(server, alice, bob, sync):
    a = alice.connect()
    call = new_id()
    signal(a, INVITE, call, bob, kind="audio", sdp="offer")
    a.say(bob, "are you there?")  # the invitation is known by now
    b = bob.connect(sync=sync, synced=False)
    got = b.expect(type=INVITE)
    assert (got["from"], got["to"], got["content"]) == (alice.id, bob.id, {"call_id": call, "kind": "audio", "sdp": "offer"})
    alice.device().connect().expect_nothing(type=INVITE)
    signal(b, ACCEPT, call, sdp="answer")
    assert a.expect(type=ACCEPT)["content"]["sdp"] == "answer"
    late = bob.device().connect(sync=sync)
    late.expect_nothing(type=INVITE)
    signal(b, HANGUP, call)


def test_nobody_rings_for_ever():
    with Server({"rtc.ring_s": 1}) as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        call = new_id()
        signal(a, INVITE, call, bob, kind="audio", sdp="x")
        for client in (a, b):
            assert client.expect(type=HANGUP)["content"] == {"call_id": call, "reason": "timeout"}
        assert alice.history(bob)["messages"][-1]["content"]["status"] == "missed"
        other = new_id()
        signal(a, INVITE, other, bob, kind="audio", sdp="x")
        assert b.expect(type=INVITE)["content"]["call_id"] == other


def test_who_is_in_a_call_is_busy(alice, bob, carol):
    a, b, c = alice.connect(), bob.connect(), carol.connect()
    first, second = new_id(), new_id()
    signal(a, INVITE, first, bob, kind="audio", sdp="x")
    b.expect(type=INVITE)
    signal(b, ACCEPT, first, sdp="y")
    a.expect(type=ACCEPT)
    signal(c, INVITE, second, bob, kind="audio", sdp="x")
    assert c.expect(type=BUSY)["content"] == {"call_id": second, "reason": "busy"}
    assert carol.history(bob)["messages"][-1]["content"]["status"] == "busy"
    b.expect_nothing(type=INVITE)
    signal(a, INVITE, new_id(), carol, kind="audio", sdp="x")
    assert a.expect(type=34)["content"]["code"] == 40903
    signal(a, INVITE, first, bob, kind="audio", sdp="again")  # a new offer of the same call
    assert b.expect(type=INVITE)["content"]["sdp"] == "again"


def test_only_the_two_are_heard(alice, bob, carol):
    a, b, c = alice.connect(), bob.connect(), carol.connect()
    call = new_id()
    signal(a, INVITE, call, bob, kind="audio", sdp="x")
    b.expect(type=INVITE)
    for type in (ACCEPT, REJECT, ICE, HANGUP, BUSY):
        signal(c, type, call)
        assert c.expect(type=34)["content"]["code"] == 40401
        signal(c, type, call, bob)
        assert c.expect(type=34)["content"]["code"] == 40401
    signal(c, INVITE, call, bob, kind="audio", sdp="x")
    assert c.expect(type=34)["content"]["code"] == 40903
    signal(a, ACCEPT, call)
    assert a.expect(type=34)["content"]["code"] == 40903
    alice.api("PUT", f"/api/blocks/{carol.id}")
    signal(c, INVITE, new_id(), alice, kind="audio", sdp="x")
    assert c.expect(type=34)["content"]["code"] == 40303
    signal(c, INVITE, new_id(), carol, kind="audio", sdp="x")
    assert c.expect(type=34)["content"]["code"] == 40002
    b.expect_nothing(type=HANGUP)


def test_a_restart_ends_no_call():
    with Server() as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        call = new_id()
        signal(a, INVITE, call, bob, kind="audio", sdp="x")
        b.expect(type=INVITE)
        server.kill()
        server.restart()
        a, b = alice.connect(), bob.connect()
        signal(a, HANGUP, call, bob)
        assert b.expect(type=HANGUP)["content"] == {"call_id": call}


@pytest.mark.parametrize("frame", [
    {"type": 40, "content": {}}, {"type": 40, "content": {"call_id": "x"}}, {"type": 40, "content": {"call_id": "x", "kind": "hologram"}}, {"type": 40, "content": {"call_id": "x", "kind": "audio"}},
    {"type": 40, "to": "nobody", "content": {"call_id": "x", "kind": "audio"}}, {"type": 41, "content": {"call_id": "a b"}}, {"type": 43}, {"type": 44, "content": []}])
def test_what_is_wrong_is_said(alice, frame):
    a = alice.connect()
    a.send(frame)
    assert a.expect(type=34)["content"]["code"] == 40002


def test_what_comes_too_fast_is_refused_with_its_call(alice, bob):
    a = alice.connect()
    call = new_id()
    for _ in range(2000):
        signal(a, ICE, call, bob, candidate={})
    refused = a.expect(type=34)["content"]
    assert (refused["code"], refused["ref"]) == (42901, call)


def test_credentials_for_turn():
    with Server({"rtc.stun_urls": "stun:127.0.0.1:3478", "rtc.turn_urls": "turn:127.0.0.1:3478,turns:127.0.0.1:5349", "rtc.turn_secret": "s3cret", "rtc.turn_ttl_s": 600}) as server:
        alice = User(server)
        data = alice.api("GET", "/api/rtc/ice-servers")
        stun, turn = data["ice_servers"]
        assert stun == {"urls": ["stun:127.0.0.1:3478"]} and turn["urls"] == ["turn:127.0.0.1:3478", "turns:127.0.0.1:5349"]
        assert turn["username"] == f"{data['expires_at'] // 1000}:{alice.id}"
        assert turn["credential"] == base64.b64encode(hmac.new(b"s3cret", turn["username"].encode(), hashlib.sha1).digest()).decode()
    with Server() as server:
        assert User(server).api("GET", "/api/rtc/ice-servers")["ice_servers"] == []
