"""What cannot be taken is refused by its name, once, and what is behind it goes on."""
import pytest
from harness import new_id


def raw(client, text):
    client.socket.send(text)


@pytest.mark.json_frames
@pytest.mark.parametrize("content", [r'{"text":"ok \ud83d"}', r'{"text":"\udc00x"}', '{"text":"x","n":123456789012345678901234567890}', '{"text":"x","n":1e999}', '{"text":"x",}', '{"text":"x"', '{"text":"\t"}'])
def test_a_message_that_is_no_json_is_refused_by_its_name(alice, bob, content):
    client = alice.connect()
    message = new_id()
    raw(client, f'{{"message_id":"{message}","type":1,"to":"{bob.id}","content":{content}}}')
    refused = client.expect(type=30, message_id=message)["content"]
    assert refused["code"] in (40001, 40002) and refused["error"]
    assert "code" not in client.say(bob, "what is behind it")


@pytest.mark.json_frames
@pytest.mark.parametrize("text", ['{"message_id": 7', '{"message_id":"bad id"', '{"message_id"', '{"type":1,"message_id":', '{"a":"message_id"', '{"message_id":"' + "x" * 70 + '"'])
def test_what_has_no_name_gets_an_error_frame(alice, text):
    client = alice.connect()
    raw(client, text)
    assert client.expect(type=34)["content"]["code"] == 40001


def react(client, message, emoji, add=True):
    operation = new_id()
    client.send({"message_id": operation, "type": 36, "content": {"message_id": message, "emoji": emoji, "add": add}})
    return client.expect(type=30, message_id=operation)["content"]


def test_an_emoji_is_one_however_it_is_written(alice, bob):
    a, b = alice.connect(), bob.connect()
    message = a.say(bob, "hello")["message_id"]
    for client, emoji in ((a, "❤"), (b, "❤️"), (a, "👍\ufe0f"), (b, "👍"), (a, "1⃣"), (b, "1️⃣"), (a, "❤‍🔥"), (b, "❤️‍🔥")):
        assert "code" not in react(client, message, emoji), emoji
    shown = {r["emoji"]: r["count"] for r in alice.api("GET", f"/api/messages/{message}")["message"]["reactions"]}
    assert shown == {"❤️": 2, "👍": 2, "1️⃣": 2, "❤️‍🔥": 2}
    assert len(alice.api("GET", f"/api/messages/{message}/reactions?emoji=%E2%9D%A4")["users"]) == 2
    react(b, message, "❤", False)
    assert {r["emoji"]: r["count"] for r in alice.api("GET", f"/api/messages/{message}")["message"]["reactions"]}["❤️"] == 1


@pytest.mark.parametrize("emoji", ["👩🏽‍🚀", "🏳️‍🌈", "🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "☝🏿", "⭐", "🫠", "*️⃣", "👨‍👩‍👧‍👦"])
def test_emoji_of_all_kinds_are_taken(alice, bob, emoji):
    a = alice.connect()
    assert "code" not in react(a, a.say(bob, "x")["message_id"], emoji)


@pytest.mark.parametrize("text", ["lol", "a", "1", "", " ", "👍 👍", "👍a", "\ufe0f", "\u200d", "©x", "中", "🏽", "<b>", "é"])
def test_what_is_no_emoji_is_no_reaction(alice, bob, text):
    a = alice.connect()
    assert react(a, a.say(bob, "x")["message_id"], text)["code"] == 40002
