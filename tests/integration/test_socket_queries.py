"""REST over the socket (frame 61): the same answers and the same rights, within bounds."""
import pytest
from harness import new_id


def ask(client, path, method=None, body=None, ref=None):
    ref = ref or new_id()[:20]
    content = {"ref": ref, "path": path, **({"method": method} if method else {}), **({"body": body} if body is not None else {})}
    client.send({"type": 61, "content": content})
    while True:
        frame = client.expect(type=61)
        if frame["content"]["ref"] == ref:
            return frame["content"]["status"], frame["content"]["body"]


def test_it_answers_what_rest_answers(server, alice, bob):
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    client = alice.connect()
    message = client.say(bob, "hello")
    client.say(group, "all")
    conversation = alice.with_(bob)
    for path in ("/api/conversations?limit=200", f"/api/messages/private/{bob.id}?after_seq=0&limit=200", f"/api/messages/group/{group}?limit=5",
                 f"/api/messages/{message['message_id']}", f"/api/groups/{group}", f"/api/groups/{group}/members", f"/api/users/{bob.id}", "/api/users/me",
                 f"/api/conversations/{conversation}/pins", f"/api/conversations/{conversation}/receipts?seq=1"):
        assert ask(client, path) == alice.api.raw("GET", path), path
    assert ask(client, "/api/files/urls", "POST", {"file_ids": ["file_0000000000001"]}) == (200, {"code": 0, "message": "success", "data": {"files": []}})


def test_rights_are_those_of_rest(server, alice, bob, carol):
    group = alice.api("POST", "/api/groups", {"name": "g"})["group_id"]
    alice.api("PATCH", f"/api/groups/{group}", {"join_policy": "invite"})
    secret = alice.connect().say(bob, "secret")
    client = carol.connect()
    for path in (f"/api/groups/{group}", f"/api/messages/group/{group}", f"/api/messages/{secret['message_id']}", "/api/messages/private/user_0000000000001"):
        status, body = ask(client, path)
        assert (status, body["code"]) == (404, 40401), path


def test_what_is_not_offered_is_refused(server, alice):
    client = alice.connect()
    for method, path in (("DELETE", "/api/users/me"), ("POST", "/api/groups"), ("GET", "/api/search/messages?q=x"), ("GET", "/api/files/file_0000000000001"), ("GET", "/metrics"),
                         ("GET", "/health"), ("GET", "/nothing"), ("PATCH", "/api/users/me"), ("GET", "/api/sessions")):
        status, body = ask(client, path, method)
        assert (status, body["code"]) == (404, 40401), path
    assert ask(client, "/api/users/%zz")[0] in (400, 404)


@pytest.mark.parametrize("content", [{}, {"ref": "a"}, {"ref": "", "path": "/api/users/me"}, {"ref": "x" * 65, "path": "/api/users/me"}, {"ref": "a", "path": "api"}, {"ref": "a", "path": 1},
                                     {"ref": "a", "path": "/" + "x" * 2048}, {"ref": "a", "path": "/api/users/me", "method": 7}])
def test_bad_questions_get_an_error_frame(server, alice, content):
    client = alice.connect()
    client.send({"type": 61, "content": content})
    assert client.expect(type=34)["content"]["code"] == 40002


def test_answers_that_do_not_fit_say_so(server, alice, bob):
    client = alice.connect()
    for _ in range(30):
        client.text(bob, "x" * 19_000)
    client.say(bob, "last")
    status, body = ask(client, f"/api/messages/private/{bob.id}?limit=200")
    assert (status, body["code"]) == (413, 41301)
    status, body = ask(client, f"/api/messages/private/{bob.id}?limit=5")
    assert status == 200 and len(body["data"]["messages"]) == 5
    client.say(bob, "the connection is as it was")


def test_questions_at_once_are_bounded(server, alice):
    client = alice.connect()
    for i in range(100):
        client.send({"type": 61, "content": {"ref": f"q{i}", "path": "/api/conversations"}})
    answers = {}
    while len(answers) < 100:
        frame = client.expect(type=61)
        answers[frame["content"]["ref"]] = frame["content"]["status"]
    assert set(answers.values()) <= {200, 429} and 200 in answers.values()


def test_a_session_that_has_ended_asks_no_more(server, alice):
    other = alice.device()
    client = other.connect()
    alice.api("DELETE", f"/api/sessions/{other.login['session_id']}")
    assert client.closed() == 4002
