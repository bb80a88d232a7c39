"""Everything that may be asked has a budget: of a user, and of strangers by their address."""
import json
import pathlib
import subprocess
import sys

from harness import Api, Server, User, wait_until
from harness.raw import everything, plug

DEFAULTS = {"limits.reads_per_minute": 6000, "limits.writes_per_minute": 600, "limits.strangers_per_minute": 600}


def statuses(api, times, *request):
    return [api.raw(*request)[0] for _ in range(times)]


def test_names_joins_and_leaves_do_not_flood_a_group():
    with Server(DEFAULTS) as server:
        alice, bob = User(server), User(server)
        group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
        done = 0
        for i in range(300):
            done += bob.api.raw("PATCH", f"/api/groups/{group}/members/{bob.id}", {"nickname": f"n{i}"})[0] == 200
        assert done <= 65, "60 at once, then one a second"
        assert statuses(bob.api, 1, "POST", f"/api/groups/{group}/leave", {}) == [429], "one budget for all of it"
        answer = bob.api.raw("POST", f"/api/groups/{group}/leave", {})[1]
        assert answer["code"] == 42901 and int(bob.api.last_headers["retry-after"]) >= 1
        # Others, and what he says, are not concerned.
        assert alice.api("GET", f"/api/groups/{group}/members")
        assert "code" not in bob.connect().say(group, "hello")


def test_groups_with_many_members_cost_more():
    with Server(DEFAULTS) as server:
        alice = User(server)
        others = [User(server) for _ in range(3)]
        made = sum(alice.api.raw("POST", "/api/groups", {"name": "g", "member_ids": [o.id for o in others]})[0] == 200 for _ in range(60))
        assert 25 <= made <= 32


def test_reads_have_a_budget_too():
    with Server({**DEFAULTS, "limits.reads_per_minute": 100}) as server:
        alice = User(server)
        found = statuses(alice.api, 10, "GET", "/api/search/messages?q=hello")
        assert found[:5] == [200] * 5 and found[5:] == [429] * 5
        assert statuses(User(server).api, 1, "GET", "/api/users/me") == [200]


def test_strangers_have_one_by_address():
    with Server({**DEFAULTS, "limits.strangers_per_minute": 20, "server.trusted_proxies": "127.0.0.0/8"}) as server:
        alice = User(server)
        def ask(address):
            return Api(server, "no token").raw("GET", "/api/users/me", headers={"X-Forwarded-For": address})[0]
        assert [ask("198.51.100.1") for _ in range(25)] == [401] * 20 + [429] * 5
        assert ask("198.51.100.2") == 401
        assert [ask(f"2001:db8::{i:x}") for i in range(1, 25)].count(429) == 4
        status, _ = alice.api.raw("GET", "/api/users/me", headers={"X-Forwarded-For": "198.51.100.1"})
        assert status == 200, "whoever is signed in is no stranger"


def test_summaries_over_the_socket_have_a_limit(server, alice):
    client = alice.connect()
    for _ in range(50):
        client.send({"type": 60, "content": {}})
    client.send({"type": 99, "content": {}})
    client.expect(type=99)
    wait_until(lambda: [f for f in client.seen if f["type"] == 34] or client.receive())
    assert len([f for f in client.seen if f["type"] == 34 and f["content"]["code"] == 42901]) >= 30


def test_unread_messages_are_counted_up_to_a_thousand(server, alice, bob):
    client = alice.connect()
    for i in range(1499):
        client.text(bob, str(i))
    client.say(bob, "last")
    def unread():
        return bob.api("GET", "/api/conversations")["conversations"][0]["unread"]
    assert unread() == 1000
    reader = bob.connect(sync="summary")
    summary = next(f for f in reader.seen if f["type"] == 60)
    assert summary["content"]["conversations"][0]["unread"] == 1000
    conversation = bob.api("GET", "/api/conversations")["conversations"][0]["conversation_id"]
    reader.send({"type": 31, "content": {"conversation_id": conversation, "seq": 1400}})
    wait_until(lambda: unread() == 100)


def test_connections_have_a_limit_in_all():
    with Server({"limits.connections": 20}) as server:
        held = [in_place(server) for _ in range(20)]
        with plug(server) as s:
            s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = everything(s)
        if answer:  # a reset may have been quicker than the words
            assert answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After" in answer
            assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["code"] == 50301
        held.pop().close()
        wait_until(lambda: server_answers(server))
        for s in held:
            s.close()


def in_place(server):
    """A connection that has been answered, so that it counts before the next one comes."""
    s = plug(server)
    s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert s.recv(100).startswith(b"HTTP/1.1 200 ")
    return s


def server_answers(server):
    try:
        return server.get_json("/health")["status"] == "ok"
    except (OSError, ValueError):
        return False


def test_connections_have_a_limit_by_address():
    """In a network of its own, because this machine's own address stands for many."""
    network = 'ip link set lo up; ip addr add 10.9.0.1/32 dev lo; ip addr add 10.9.0.2/32 dev lo; exec "$@"'
    done = subprocess.run(["unshare", "-n", "bash", "-c", network, "_", sys.executable, "-c", INSIDE, str(pathlib.Path(__file__).parents[1])],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


INSIDE = r"""
import socket, sys
sys.path.insert(0, sys.argv[1])
from harness import Server

class Reachable(Server):
    def command(self):
        return [c.replace(f"127.0.0.1:{self.port}", f"0.0.0.0:{self.port}") for c in super().command()]

def held(server, source, count):
    got = []
    for _ in range(count):
        s = socket.create_connection(("10.9.0.1", server.port), source_address=(source, 0), timeout=5)
        s.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        got.append((s, s.recv(100)))
    return got

with Reachable({"server.allow_plain": "true", "limits.connections_per_address": 5}) as server:
    first = held(server, "10.9.0.2", 8)
    assert [answer[:12] for _, answer in first] == [b"HTTP/1.1 200"] * 5 + [b"HTTP/1.1 503"] * 3, first
    assert held(server, "10.9.0.1", 1)[0][1].startswith(b"HTTP/1.1 200"), "another address"
    local = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(20)]
    assert server.get_json("/health")["status"] == "ok", "this machine itself"
    for s, _ in first[:5]: s.close()
    import time
    end = time.monotonic() + 5
    while not held(server, "10.9.0.2", 1)[0][1].startswith(b"HTTP/1.1 200"):
        assert time.monotonic() < end, "the places are given back"
"""
