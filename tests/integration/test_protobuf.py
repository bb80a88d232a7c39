"""Binary frames (proto/simpleim.proto) by a client that Google's library writes and reads; the suite `protobuf` runs all of the contract so."""
import json
import pathlib

import pytest
from harness import User, new_id
from harness.protobuf import PROTO, SUBPROTOCOL, to_binary, to_json
from harness.raw import plug, upgrade_request
from websockets.sync.client import connect

VECTORS = {name: json.loads((PROTO / "vectors" / f"{name}.json").read_text()) for name in ("server", "client")}


@pytest.mark.parametrize("vector", VECTORS["server"] + VECTORS["client"], ids=lambda v: v["name"])
def test_the_vectors_are_what_googles_library_makes_of_their_json(vector):
    assert to_binary(vector["json"]).hex() == vector["binary"], "scripts/write-proto-vectors.py writes them"


@pytest.mark.parametrize("vector", VECTORS["server"], ids=lambda v: v["name"])
def test_the_vectors_say_the_same_in_both_forms(vector):
    assert to_json(bytes.fromhex(vector["binary"])) == vector["json"]


def test_there_is_a_vector_for_each_frame_type():
    import re
    types = (pathlib.Path(__file__).parents[2] / "server/protocol/frame_types.def").read_text()
    listed = {int(number): kind for number, kind in re.findall(r"^FRAME\((\d+), k\w+, \w+, (\w+)\)$", types, re.M)}
    calls = {number for number, kind in listed.items() if kind == "Call"}  # all alike
    seen = {v["json"]["type"] for v in VECTORS["server"]}
    assert seen >= set(listed) - calls - {41, 42, 43, 45} and seen & calls


def test_who_speaks_json_and_who_speaks_protobuf_hear_the_same(server):
    alice, bob = User(server), User(server)
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    a_json, b_json = (user.connect(encoding="json", device_id="json") for user in (alice, bob))
    a_binary, b_binary = (user.connect(encoding="protobuf", device_id="binary") for user in (alice, bob))
    texts = ["plain", 'with "quotes" and \\', "你好 👋🏽", "line\nbreak \u0001", "x" * 20_000]
    for sender, others in ((a_json, (a_binary, b_json, b_binary)), (a_binary, (a_json, b_json, b_binary))):
        for to in (bob, group):
            for text in texts:
                message = sender.text(to, text, mood={"level": 1}) if text == "plain" else sender.text(to, text)
                ack = sender.expect(type=30, message_id=message)
                frames = [other.expect(message_id=message) for other in others]
                assert all(frame == frames[0] for frame in frames), frames
                assert frames[0]["content"]["text"] == text and frames[0]["seq"] == ack["content"]["seq"]
    edited = a_binary.say(group, "before")
    a_json.send({"message_id": new_id(), "type": 35, "content": {"message_id": edited["message_id"], "content": {"text": "after"}}})
    assert b_binary.expect(type=35) == b_json.expect(type=35)
    b_binary.send({"type": 31, "content": {"conversation_id": alice.with_(bob), "seq": 1}})
    assert a_binary.expect(type=31) == a_json.expect(type=31) == b_json.expect(type=31)
    a_json.send({"type": 33, "to": bob.id, "content": {}})
    assert b_binary.expect(type=33) == b_json.expect(type=33)


def test_a_binary_client_that_comes_back_is_pushed_what_it_missed(server):
    alice, bob = User(server), User(server)
    alice.connect().say(bob, "while you were away", reply_to="m-0")
    back = bob.connect(encoding="protobuf", synced=False)
    assert back.expect(type=1)["content"] == {"text": "while you were away", "reply_to": "m-0"}
    [row] = back.expect(type=60)["content"]["conversations"]
    assert row == {"conversation_id": alice.with_(bob), "last_seq": 1, "read_seq": 0, "unread": 1, "mentioned_seq": 0}


@pytest.mark.parametrize("offered, chosen", [
    (["simpleim.v1.proto"], SUBPROTOCOL), (["simpleim.v1.proto", "simpleim.v1"], SUBPROTOCOL),
    (["simpleim.v1", "simpleim.v1.proto"], "simpleim.v1"), (["simpleim.v2.proto", "simpleim.v1"], "simpleim.v1"), (["mqtt"], None),
])
def test_the_first_encoding_that_a_client_offers_is_taken(server, alice, offered, chosen):
    with connect(f"ws://127.0.0.1:{server.port}/ws", subprotocols=[*offered, f"bearer.{alice.token}"]) as socket:
        assert socket.subprotocol == chosen
        assert isinstance(socket.recv(timeout=30), bytes) == (chosen == SUBPROTOCOL)


@pytest.mark.parametrize("encoding, wrong", [("protobuf", '{"type":99}'), ("json", bytes.fromhex("0863"))])
def test_the_other_kind_of_message_ends_a_connection(alice, encoding, wrong):
    client = alice.connect(encoding=encoding)
    client.send(wrong)
    assert client.closed() == 1003


@pytest.mark.parametrize("data", [b"\x0a", b"\x12\x7f", b"\xff" * 20, b"\x52\x02{}", b"\x5a\x04\x0a\x02\xc3\x28", b"", b"\x08\x4d"])
def test_what_is_no_frame_gets_an_error_frame(alice, bob, data):
    client = alice.connect(encoding="protobuf")
    client.send(data)
    answer = client.receive()
    assert answer["content"]["code"] in (40001, 40002) and answer["content"]["error"], answer
    assert client.say(bob, "still fine")["seq"]


def test_a_refused_text_gets_its_ack(alice, bob):
    client = alice.connect(encoding="protobuf")
    for content, code in (({"text": ""}, 40002), ({"text": "x" * 20_001}, 40002), ({"text": "x", "more": "y" * 70_000}, 41301)):
        message = new_id()
        client.send({"message_id": message, "type": 1, "to": bob.id, "content": content})
        assert client.expect(type=30, message_id=message)["content"]["code"] == code


def test_the_answer_names_the_subprotocol(alice):
    with plug(alice.server) as s:
        s.sendall(upgrade_request(alice.token).replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: simpleim.v1.proto\r\n\r\n"))
        assert b"Sec-WebSocket-Protocol: simpleim.v1.proto\r\n" in s.recv(4096)
