"""What people and groups are called, and what they say, can be seen."""
import unicodedata

import pytest
from harness import Api

NOTHING = ["\u200b", "   ", "\u200b \u200d\ufeff", "\u00a0\u2003", "\u3164", "\u2800\u2800", "\u115f\u1160", "\u200e\u200f", "\ufe0f", "\u034f", "\U000e0020\U000e007f", "\u2028\u2029", "\u0085", "\u2028\u2029", "\u0085", "\u2060", "\u00ad"]
TURNED = ["\u202eecila", "a\u202ab", "a\u2066b\u2069", "\u2067x"]
SEEN = ["A", "名", "👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "می\u200cخواهم", "क्\u200dष", "e\u0301", "ﷺ", "𝒜", "…", "1"]


@pytest.mark.parametrize("text", NOTHING)
def test_what_cannot_be_seen_is_no_name_and_no_message(server, alice, bob, text):
    for name in (text, text * 3):
        assert alice.api.error("PATCH", "/api/users/me", {"nickname": name}) == (400, 40002)
        assert alice.api.error("POST", "/api/groups", {"name": name}) == (400, 40002)
    assert Api(server).error("POST", "/api/register", {"username": "somebody", "password": "secret-1", "nickname": text}) == (400, 40002)
    group = alice.api("POST", "/api/groups", {"name": "g"})["group_id"]
    assert alice.api.error("PATCH", f"/api/groups/{group}", {"name": text}) == (400, 40002)
    assert alice.api.error("PATCH", f"/api/groups/{group}/members/{alice.id}", {"nickname": text}) == (400, 40002)
    client = alice.connect()
    assert client.say(bob, text)["code"] == 40002
    message = client.say(bob, "seen")
    client.send({"message_id": "edit-" + message["message_id"], "type": 35, "content": {"message_id": message["message_id"], "content": {"text": text}}})
    assert client.expect(type=30, message_id="edit-" + message["message_id"])["content"]["code"] == 40002


@pytest.mark.parametrize("name", TURNED)
def test_what_turns_text_around_is_no_name(alice, bob, name):
    assert alice.api.error("PATCH", "/api/users/me", {"nickname": name}) == (400, 40002)
    assert alice.api.error("POST", "/api/groups", {"name": name}) == (400, 40002)
    assert "code" not in alice.connect().say(bob, name), "a text may say what it likes"


@pytest.mark.parametrize("text", SEEN)
def test_all_else_can_be_a_name_and_a_message(alice, bob, text):
    assert alice.api("PATCH", "/api/users/me", {"nickname": text})["nickname"] == unicodedata.normalize("NFC", text)
    assert alice.api("POST", "/api/groups", {"name": text})["name"] == unicodedata.normalize("NFC", text)
    said = alice.connect().say(bob, text)
    assert bob.api("GET", f"/api/messages/{said['message_id']}")["message"]["content"]["text"] == text


def test_names_of_the_operator_are_reserved(server):
    for name in ("admin", "Admin", "ROOT", "sys.tem", "sup_port", "Help-Desk", "official"):
        status, answer = Api(server).raw("POST", "/api/register", {"username": name, "password": "secret-1"})
        assert (status, answer["code"], answer["details"]["field"]) == (400, 40002, "username"), name
    assert Api(server).raw("POST", "/api/register", {"username": "administrata", "password": "secret-1"})[0] == 200
    assert server.operator("user", "add", "admin", "--password", "secret-1").returncode == 0, "the operator may"
    assert Api(server)("POST", "/api/login", {"username": "admin", "password": "secret-1"})
