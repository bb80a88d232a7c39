"""Slow readers, storms, drains: memory stays bounded, nobody else notices, nothing is lost."""
import json
import os
import signal
import socket
import threading
import time

import pytest
from harness import Server, User, new_id, wait_until
from harness.oracle import Ledger, check, whole_history
from websockets.exceptions import ConnectionClosed, InvalidStatus


def deaf_socket(server, user, device):
    """A signed-in connection that never reads, with as small a buffer as the kernel gives."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", server.port))
    s.sendall((f"GET /ws?token={user.token}&device_id={device}&sync=summary HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
    return s


def test_sockets_that_stop_reading_cost_bounded_memory_and_disturb_nobody():
    stalled = 500
    with Server({"session.max_devices": 64}) as server:
        users = [User(server) for _ in range(8)]
        busy, reader = User(server), User(server)
        group = busy.api("POST", "/api/groups", {"name": "busy", "member_ids": [u.id for u in users] + [reader.id]})["group_id"]
        deaf = [deaf_socket(server, users[i % 8], f"d{i}") for i in range(stalled)]
        wait_until(lambda: server.get_json("/stats")["total_connections"] == stalled, "all are connected")
        b, r = busy.connect(), reader.connect()
        before = server.rss_kib()
        peak = 0
        text = "x" * 15_000
        for i in range(600):  # 9 MB for each socket: past the kernel's buffers and the limit of 1 MiB
            b.say(group, text)
            assert r.expect(type=2)["seq"] == b.seen[-1]["content"]["seq"]
            if i % 20 == 0:
                peak = max(peak, server.rss_kib())
        wait_until(lambda: server.metrics()["simpleim_closed_slow_total"] == stalled, "the slow are closed with 4009", 30)
        assert peak - before < stalled * 1024, "at most 1 MiB each"
        for s in deaf:
            s.close()
        wait_until(lambda: server.get_json("/stats")["total_connections"] == 2, "they are gone")


def test_a_slow_consumer_hears_4009_and_syncs():
    with Server({"limits.outbound_queue_bytes": 65536}) as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        s = deaf_socket(server, bob, "slow")
        wait_until(lambda: server.get_json("/stats")["total_connections"] == 2)
        sent = 0
        while server.metrics()["simpleim_closed_slow_total"] == 0:
            for _ in range(20):
                a.say(bob, "x" * 15_000)
                sent += 1
            assert sent < 2000
        data = b""
        s.settimeout(10)
        while piece := s.recv(1 << 20):
            data += piece
        assert b"\x0f\xa9" in data[-200:], "the close frame with 4009 is the last thing"
        b = bob.connect()
        texts = [f for f in b.seen if f["type"] == 1]
        assert [f["seq"] for f in texts] == list(range(1, min(sent, 1000) + 1))


def test_a_reconnect_storm_brings_everyone_back():
    clients = 500
    with Server({"session.max_devices": 64}) as server:
        users = [User(server) for _ in range(10)]
        friend = User(server)
        f = friend.connect()
        for user in users:
            f.say(user, "hello")
        server.kill()
        server.start()
        results, lock = [], threading.Lock()

        def come_back(i):
            user = users[i % len(users)]
            client = user.connect(device_id=f"d{i}")
            with lock:
                results.append((client, [x["content"]["text"] for x in client.seen if x["type"] == 1]))

        threads = [threading.Thread(target=come_back, args=(i,)) for i in range(clients)]
        for t in threads:
            t.start()
        f = friend.connect()
        g = users[0].device().connect()
        for i in range(30):
            f.say(users[0], f"meanwhile {i}")
            g.expect(type=1)
        for t in threads:
            t.join(60)
        assert len(results) == clients
        assert all("hello" in texts for _, texts in results)


def test_a_drain_under_load_answers_and_loses_nothing():
    with Server({"server.drain_seconds": 2}) as server:
        users = [User(server) for _ in range(4)]
        group = users[0].api("POST", "/api/groups", {"name": "g", "member_ids": [u.id for u in users[1:]]})["group_id"]
        ledgers = [Ledger() for _ in users]
        ends = {}

        def chat(i):
            client = users[i].connect(sync="summary")
            open_ = set()
            try:
                while True:
                    while len(open_) < 10:
                        message_id = new_id()
                        ledgers[i].sent[message_id] = True
                        open_.add(message_id)
                        client.text(group, "x", message_id=message_id)
                    frame = client.receive(10)
                    if frame["type"] == 30:
                        content = frame["content"]
                        open_.discard(frame["message_id"])
                        if "seq" in content:
                            ledgers[i].acknowledge(frame["message_id"], content["conversation_id"], content["seq"])
                        else:
                            assert content["code"] == 50302
            except ConnectionClosed:
                code = client.closed()  # a failing send may come before the last frames are read
                farewell = [x for x in client.seen if x["type"] == 34]
                ends[i] = (code, farewell[-1]["content"] if farewell else None)

        threads = [threading.Thread(target=chat, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        wait_until(lambda: sum(len(ledger.acked) for ledger in ledgers) > 500)
        assert server.stop() == 0
        for t in threads:
            t.join(20)
        for code, farewell in ends.values():
            assert code == 4010 and farewell["code"] == 50302 and farewell["retry_after_ms"] >= 1, ends
        assert len(ends) == 4
        server.start()
        history = [whole_history(u.api, f"/api/messages/group/{group}") for u in users]
        check({f"group:{group}": history}, ledgers)


def test_silent_connections_are_closed_and_answering_ones_stay():
    with Server({"heartbeat.ping_s": 1, "heartbeat.silence_s": 3}) as server:
        alice, bob = User(server), User(server)
        s = deaf_socket(server, alice, "silent")
        b = bob.connect()
        data = b""
        s.settimeout(10)
        while piece := s.recv(4096):
            data += piece
        assert data.rfind(b"\x0f\xa8") > 0, "4008"
        b.send({"type": 99, "content": {}})
        b.expect(type=99)


def test_a_stopped_server_goes_on_where_it_was():
    with Server() as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        os.kill(server.process.pid, signal.SIGSTOP)
        message_id = a.text(bob, "while it slept")
        os.kill(server.process.pid, signal.SIGCONT)
        a.expect(type=30, message_id=message_id)
        assert b.expect(type=1)["content"]["text"] == "while it slept"


def test_too_few_descriptors_refuse_the_new_and_keep_the_old():
    with Server(wrapper=["prlimit", "--nofile=80:80"]) as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        hoard = []
        for _ in range(100):
            s = socket.create_connection(("127.0.0.1", server.port))
            hoard.append(s)
        a.say(bob, "still here")
        b.expect(type=1)
        for s in hoard:
            s.close()
        wait_until(lambda: server.get_json("/health")["status"] == "ok", deadline_s=20)
        assert server.log_text().count("cannot accept") < 200


def test_message_rate_is_limited_by_user_and_the_answer_says_when():
    with Server({"limits.messages_per_second": 50, "limits.message_burst": 200}) as server:
        alice, bob = User(server), User(server)
        a, second = alice.connect(), alice.device().connect()
        ids = [a.text(bob, str(i)) for i in range(400)]
        answers = {f["message_id"]: f["content"] for f in (a.expect(type=30) for _ in ids)}
        refused = [c for c in answers.values() if "code" in c]
        assert 100 < len(refused) <= 200
        assert all(c["code"] == 42901 and c["retry_after_ms"] >= 1 for c in refused)
        assert second.say(bob, "the other device shares the limit").get("code") in (42901, None)
        retry = max(c["retry_after_ms"] for c in refused)
        wait_until(lambda: "seq" in a.say(bob, "later"), f"allowed again after about {retry} ms")


def test_one_device_at_a_time_when_the_policy_says_so():
    with Server({"session.policy": "single"}) as server:
        alice = User(server)
        old = alice.connect()
        new = alice.device().connect()
        assert old.closed() == 4001
        new.send({"type": 99, "content": {}})
        new.expect(type=99)


def test_the_same_device_replaces_its_own_connection_and_a_ninth_the_oldest():
    with Server() as server:
        alice = User(server)
        first = alice.connect(device_id="phone")
        again = alice.connect(device_id="phone")
        assert first.closed() == 4001
        more = [alice.connect(device_id=f"d{i}") for i in range(7)]
        again.send({"type": 99, "content": {}})
        again.expect(type=99)
        ninth = alice.connect(device_id="ninth")
        assert again.closed() == 4001
        for client in [*more, ninth]:
            client.send({"type": 99, "content": {}})
            client.expect(type=99)


@pytest.mark.parametrize("bad", ["sync=some", "device_id=" + "x" * 65])
def test_bad_connection_options_are_refused(bad):
    with Server() as server:
        alice = User(server)
        with pytest.raises(InvalidStatus) as refused:
            alice.connect(**dict([bad.split("=")]))
        assert refused.value.response.status_code == 400
        assert json.loads(refused.value.response.body)["code"] == 40002


def test_the_token_may_come_as_a_subprotocol():
    with Server() as server:
        alice = User(server)
        client = alice.connect(token="", subprotocols=["simpleim.v1", f"bearer.{alice.token}"])
        assert client.socket.subprotocol == "simpleim.v1"


def test_an_expired_token_ends_the_connection():
    with Server({"auth.access_token_s": 2, "heartbeat.ping_s": 1, "heartbeat.silence_s": 9}) as server:
        alice = User(server)
        client = alice.connect()
        assert client.closed() == 4002
        assert alice.api.error("GET", "/api/users/me") == (401, 40103)


def test_a_sync_races_with_new_messages_and_none_is_missed_or_doubled():
    with Server() as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        stop = threading.Event()

        def talk():
            i = 0
            while not stop.is_set():
                a.say(bob, str(i))
                i += 1

        talker = threading.Thread(target=talk)
        talker.start()
        try:
            for _ in range(30):
                b = bob.connect()
                b.send({"type": 99, "content": {}})
                b.expect(type=99)
                for _ in range(5):
                    b.expect(type=1)
                seqs = [f["seq"] for f in b.seen if f["type"] == 1]
                assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "in order, no gap, none twice"
                b.send({"type": 37, "content": {"conversation_id": alice.with_(bob), "seq": seqs[-1]}})
                b.send({"type": 99, "content": {}})
                b.expect(type=99)
                b.close()
        finally:
            stop.set()
            talker.join()
