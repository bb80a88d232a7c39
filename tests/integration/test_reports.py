"""Messages shown to whoever runs the server (docs/decisions/0013)."""
import subprocess

import pytest
from harness import Server, User, new_id
from harness.server import BINARY


def report(user, message, **what):
    return user.api("POST", f"/api/messages/{message['message_id']}/report", {"reason": "abuse", **what})["report_id"]


def refusal(user, message_id, body=None):
    return user.api.error("POST", f"/api/messages/{message_id}/report", body or {"reason": "spam"})


def operate(client, type, target, **content):
    message_id = new_id()
    client.send({"message_id": message_id, "type": type, "content": {"message_id": target["message_id"], **content}})
    assert "code" not in client.expect(type=30, message_id=message_id)["content"]


def command(server, *arguments):
    return server.operator("report", *arguments)


def listed(server):
    done = command(server, "list")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_report_shows_who_what_where_and_why(server, alice, bob):
    message = alice.connect().say(bob, "send me your password")
    report_id = report(bob, message, reason="spam", note="the third time")
    lines = listed(server)
    first = next(line for line in lines.splitlines() if report_id in line)
    assert "spam" in first and f"by {bob.name}: the third time" in first
    second, third = lines.splitlines()[lines.splitlines().index(first) + 1:][:2]
    assert alice.name in second and alice.with_(bob) in second and message["message_id"] in second
    assert third.strip() == '{"text":"send me your password"}'
    assert report_id in server.log_text() and "password" not in server.log_text()


def test_the_copy_outlives_an_edit_and_a_recall_until_it_is_closed(server, alice, bob):
    a = alice.connect()
    message = a.say(bob, "words that were said")
    report_id = report(bob, message)
    operate(a, 35, message, content={"text": "nothing of that kind"})
    assert "words that were said" in listed(server)
    operate(a, 32, message)
    assert "words that were said" in listed(server)
    assert refusal(bob, message["message_id"]) == (409, 40903)
    assert command(server, "close", report_id).stdout == f"closed {report_id}\n"
    assert report_id not in listed(server) and "words that were said" not in listed(server)
    again = command(server, "close", report_id)
    assert again.returncode == 1 and "report list" in again.stderr


def test_again_replaces_reason_note_and_copy(server, alice, bob, carol):
    a = alice.connect()
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id, carol.id]})["group_id"]
    message = a.say(group, "first words")
    report_id = report(bob, message, reason="other", note="unsure")
    operate(a, 35, message, content={"text": "second words"})
    assert report(bob, message, reason="illegal") == report_id
    lines = listed(server)
    assert lines.count(report_id) == 1 and "unsure" not in lines and "first words" not in lines
    assert report(carol, message) != report_id, "everybody has a report of his own"


def test_a_stranger_an_own_message_and_an_event_are_refused(alice, bob, carol):
    a = alice.connect()
    message = a.say(bob, "between us")
    assert refusal(carol, message["message_id"]) == (404, 40401)
    assert refusal(carol, new_id()) == (404, 40401)
    assert refusal(alice, message["message_id"]) == (400, 40002)
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    event = bob.api("GET", f"/api/messages/group/{group}")["messages"][0]
    assert event["type"] == 3
    assert refusal(bob, event["message_id"]) == (400, 40002)
    operate(a, 36, message, emoji="👍", on=True)
    reaction = bob.history(alice)["messages"][-1]
    assert reaction["type"] == 36
    assert refusal(bob, reaction["message_id"]) == (400, 40002)


@pytest.mark.parametrize("body", [
    {}, {"reason": "because"}, {"reason": 1}, {"reason": "spam", "note": "x" * 1001}, {"reason": "spam", "note": "\x00"}, {"reason": "spam", "note": 5},
], ids=str)
def test_a_report_that_says_nothing_sensible_is_refused(alice, bob, body):
    message = alice.connect().say(bob, "hello")
    assert refusal(bob, message["message_id"], body or {"note": "x"}) == (400, 40002)


def test_nobody_fills_the_list(server, alice, bob):
    a = alice.connect()
    messages = [a.say(bob, str(i)) for i in range(101)]
    ids = [report(bob, message) for message in messages[:100]]
    assert refusal(bob, messages[100]["message_id"]) == (429, 42901)
    assert report(bob, messages[0], reason="spam") == ids[0]
    command(server, "close", ids[5])
    report(bob, messages[100])


def test_what_strangers_wrote_leaves_the_terminal_alone(server, alice, bob):
    message = alice.connect().say(bob, "\x9b31mred \u202egnp.exe \x1b[2J é 中文")
    report(bob, message, note="look:\n\x9b2J")
    shown = listed(server)
    assert not any(ord(c) in range(0x7F, 0xA0) or ord(c) == 0x1B or c in "\u202a\u202b\u202c\u202d\u202e" for c in shown)
    assert "é 中文" in shown and "\\u202egnp.exe" in shown and "look:\\u000a" in shown


@pytest.mark.embedded
def test_reports_survive_a_kill_and_need_a_database(tmp_path):
    with Server() as server:
        alice, bob = User(server), User(server)
        report_id = report(bob, alice.connect().say(bob, "hello"))
        server.kill()
        assert report_id in listed(server)
        server.restart()
    done = subprocess.run([BINARY, "report", "list", "--data-dir", tmp_path / "none"], capture_output=True, text=True)
    assert done.returncode == 1 and "there is no database" in done.stderr
