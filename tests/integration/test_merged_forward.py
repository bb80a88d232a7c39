"""Merged forwards: several messages as one, written by the server (docs/decisions/0012)."""
import pytest
from harness import User, new_id
from harness.files import picture, upload


def forward(client, to, ids, message_id=None, **content):
    """Sends a merged forward and returns the content of its answer."""
    message_id = message_id or new_id()
    where = {"group_id": to, "type": 2} if isinstance(to, str) else {"to": to.id, "type": 1}
    client.send({"message_id": message_id, **where, "content": {"merged": {"message_ids": ids}, **content}})
    return client.expect(type=30, message_id=message_id)["content"]


def can_open(user, file):
    return user.api("POST", "/api/files/urls", {"file_ids": [file]})["files"] != []


def said(user, other):
    return user.history(other)["messages"][-1]["content"]


def test_what_was_said_comes_with_names_times_and_order(alice, bob, carol):
    a, b, c = alice.connect(), bob.connect(), carol.connect()
    first = a.say(bob, "did you see 中文 docs?")
    second = b.say(alice, "yes")
    answer = forward(a, carol, [second["message_id"], first["message_id"]])
    assert answer["seq"] == 1
    frame = c.expect(type=1)
    messages = frame["content"]["merged"]["messages"]
    assert [(m["from"], m["name"], m["content"]) for m in messages] == [
        (bob.id, bob.name, {"text": "yes"}), (alice.id, alice.name, {"text": "did you see 中文 docs?"})]
    assert [m["timestamp"] for m in messages] == [second["timestamp"], first["timestamp"]]
    assert frame["content"]["text"] == f"{bob.name}: yes\n{alice.name}: did you see 中文 docs?"
    assert said(carol, alice) == frame["content"]


def test_the_snapshot_stays_when_the_original_changes(alice, bob, carol):
    a = alice.connect()
    first = a.say(bob, "as it was")
    forward(a, carol, [first["message_id"]])
    for type, content in ((35, {"content": {"text": "otherwise"}}), (32, {})):
        message_id = new_id()
        a.send({"message_id": message_id, "type": type, "content": {"message_id": first["message_id"], **content}})
        assert "code" not in a.expect(type=30, message_id=message_id)["content"]
    assert said(carol, alice)["merged"]["messages"][0]["content"] == {"text": "as it was"}
    assert forward(a, carol, [first["message_id"]])["code"] == 40401


def test_nobody_puts_words_into_anothers_mouth(alice, bob, carol):
    a = alice.connect()
    first = a.say(bob, "true")
    lie = [{"from": bob.id, "name": "bob", "type": 1, "timestamp": 1, "content": {"text": "a lie"}}]
    forward(a, carol, [first["message_id"]])
    message_id = new_id()
    a.send({"message_id": message_id, "type": 1, "to": carol.id,
            "content": {"text": "a lie", "merged": {"message_ids": [first["message_id"]], "messages": lie}}})
    a.expect(type=30, message_id=message_id)
    assert "a lie" not in str(said(carol, alice))
    edit = new_id()
    for content in ({"text": "a lie"}, {"text": "a lie", "merged": {"messages": lie}}):
        edit = new_id()
        a.send({"message_id": edit, "type": 35, "content": {"message_id": message_id, "content": content}})
        assert a.expect(type=30, message_id=edit)["content"]["code"] == 40002
    assert "a lie" not in str(said(carol, alice))


def test_only_what_one_may_see_can_be_forwarded(alice, bob, carol):
    a, c = alice.connect(), carol.connect()
    secret = a.say(bob, "secret")["message_id"]
    mine = c.say(alice, "mine")["message_id"]
    assert forward(c, alice, [mine, secret])["code"] == 40401
    assert forward(c, alice, [new_id()])["code"] == 40401
    assert len(alice.history(carol)["messages"]) == 1


def test_files_go_along_also_through_two_forwards_and_leave_with_the_recall(alice, bob, carol):
    dave = User(alice.server)
    a, c = alice.connect(), carol.connect()
    file = upload(alice, picture(), "see.png")["file_id"]
    a.send({"message_id": (image := new_id()), "type": 4, "to": bob.id, "content": {"file_id": file}})
    a.expect(type=30, message_id=image)
    assert carol.api.error("GET", f"/api/files/{file}") == (404, 40401)
    once = new_id()
    assert "code" not in forward(a, carol, [image], once)
    assert said(carol, alice)["merged"]["messages"][0]["content"]["file_id"] == file
    assert can_open(carol, file)
    twice = new_id()
    assert "code" not in forward(c, dave, [once], twice)
    assert can_open(dave, file)
    c.send({"message_id": (recall := new_id()), "type": 32, "content": {"message_id": twice}})
    c.expect(type=30, message_id=recall)
    assert dave.api.error("GET", f"/api/files/{file}") == (404, 40401)
    assert can_open(carol, file)


def test_a_file_id_in_a_text_opens_nothing(alice, bob, carol):
    """A text may carry any key; forwarding it must not open somebody else's file."""
    c = carol.connect()
    file = upload(alice, picture(), "private.png")["file_id"]
    text = new_id()
    c.send({"message_id": text, "type": 1, "to": bob.id, "content": {"text": "x", "file_id": file}})
    c.expect(type=30, message_id=text)
    assert "code" not in forward(c, bob, [text])
    assert carol.api.error("GET", f"/api/files/{file}") == (404, 40401)
    assert bob.api.error("GET", f"/api/files/{file}") == (404, 40401)


def test_sent_twice_it_is_one_also_when_the_original_is_gone(alice, bob, carol):
    a = alice.connect()
    first = a.say(bob, "once")["message_id"]
    message_id = new_id()
    answer = forward(a, carol, [first], message_id)
    a.send({"message_id": (recall := new_id()), "type": 32, "content": {"message_id": first}})
    a.expect(type=30, message_id=recall)
    assert forward(a, carol, [first], message_id) == answer
    assert len(carol.history(alice)["messages"]) == 1


@pytest.mark.parametrize("merged", [{}, {"message_ids": []}, {"message_ids": "x"}, {"message_ids": [5]}, {"message_ids": ["no id!"]},
                                    {"message_ids": ["x"] * 101}, [], "x", 7])
def test_what_is_wrong_is_said(alice, bob, merged):
    a = alice.connect()
    message_id = new_id()
    a.send({"message_id": message_id, "type": 1, "to": bob.id, "content": {"merged": merged, "text": "x"}})
    answer = a.expect(type=30, message_id=message_id)["content"]
    assert answer["code"] == 40002 and ("1 to 100" in answer["error"] or "message id" in answer["error"])


def test_more_than_a_content_holds_is_refused(alice, bob, carol):
    a = alice.connect()
    ids = [a.say(bob, "字" * 6000)["message_id"] for _ in range(4)]
    assert forward(a, carol, ids[:3]).get("code") is None
    answer = forward(a, carol, ids)
    assert answer["code"] == 41301 and "forward fewer" in answer["error"]
