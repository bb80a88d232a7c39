"""Clients that ask to sign in and then do nothing more: nobody else waits for them."""
import os
import re
import resource
import time

from harness import Server, User, wait_until
from harness.raw import everything, plug, upgrade_request

TURNS = 64  # AdmissionGate: connections that sign in or sync at the same time
LISTENING = 2 + 1  # one of the clients' port for each of two threads, one of the operator's


def masked(opcode, payload=b""):
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + b"\0\0\0\0" + payload


def missed(server, users, messages=1100, size=3400):
    """A group of all whose messages fill the buffers of a client that does not read its first sync."""
    writer = User(server)
    group = writer.api("POST", "/api/groups", {"name": "g", "member_ids": [u.id for u in users]})["group_id"]
    w = writer.connect()
    ids = [w.text(group, "x" * size) for _ in range(messages)]
    w.expect(type=30, message_id=ids[-1])
    return writer, group, w


def stall(server, users, count):
    sockets = []
    for i in range(count):
        s = plug(server, receive_buffer=2048)
        s.sendall(upgrade_request(users[i % len(users)].token, device_id=f"d{i}"))
        sockets.append(s)
    return sockets


def test_sockets_that_do_not_read_their_first_sync_keep_nobody_out():
    with Server({"session.max_devices": 64}) as server:
        users = [User(server) for _ in range(8)]
        writer, group, w = missed(server, users)
        stalled = stall(server, users, 3 * TURNS)
        wait_until(lambda: server.get_json("/stats")["total_connections"] == len(stalled) + 1, "all of them are in")
        for user in (User(server), users[0], User(server)):
            began = time.monotonic()
            client = user.connect(synced=True)
            assert time.monotonic() - began < 5
            client.close()
        w.say(group, "still here")
        for s in stalled:
            s.close()


def test_who_reads_slowly_gets_all_of_it():
    """A turn is given back while the socket is full and taken again: nothing is left out or doubled."""
    with Server({"session.max_devices": 64}) as server:
        users = [User(server) for _ in range(8)]
        missed(server, users)
        stalled = stall(server, users, TURNS)
        for s in stalled[:4]:
            got = b""
            while b'"type":60' not in got[-4096:]:
                piece = s.recv(1 << 16)
                assert piece, "closed"
                got += piece
            texts = re.findall(rb'"type":2,.{0,400}?"seq":(\d+)', got.replace(b"x" * 3400, b""))
            # The first of the thousand that a sync brings is the event that made the group.
            assert [int(n) for n in texts] == list(range(2, 1001))
        for s in stalled:
            s.close()


def test_a_socket_that_talks_but_never_reads_is_closed():
    """What it sends is a sign of life; that nothing of what waits for it goes out is not."""
    with Server({"session.max_devices": 64, "heartbeat.ping_s": 1, "heartbeat.silence_s": 2}) as server:
        users = [User(server) for _ in range(2)]
        missed(server, users)
        talkers = stall(server, users, 4)
        wait_until(lambda: server.get_json("/stats")["total_connections"] == 5)

        def talk():
            for s in talkers:
                try:
                    s.sendall(masked(0xA))  # a pong that nobody asked for
                except OSError:
                    pass
            time.sleep(0.05)
            return server.get_json("/stats")["total_connections"] <= 1

        wait_until(talk, "they are closed", 20)
        assert server.metrics()["simpleim_closed_slow_total"] >= 4
        for s in talkers:
            s.close()


def test_a_token_that_is_none_is_refused_in_front_of_the_line():
    with Server() as server:
        with plug(server) as s:
            s.sendall(upgrade_request("a.b.c"))
            assert b"HTTP/1.1 401 " in s.recv(4096)


def sockets(server):
    """How many the server holds; those that listen included, and not the database's files, which open when they are needed."""
    folder = f"/proc/{server.process.pid}/fd"
    found = 0
    for name in os.listdir(folder):
        try:
            found += os.readlink(f"{folder}/{name}").startswith("socket:")
        except FileNotFoundError:
            pass
    return found


def test_connections_that_give_up_while_they_wait_leave_nothing():
    """All ask while the server stands still, and are gone when it goes on."""
    with Server({"session.max_devices": 64, "server.threads": 2}) as server:
        user = User(server)
        waiting = []
        wait_until(lambda: sockets(server) == LISTENING, "those that signed the user up are gone")
        server.pause()
        for i in range(300):
            s = plug(server)
            s.sendall(upgrade_request(user.token, device_id=f"w{i}"))
            waiting.append(s)
        for s in waiting:
            s.close()
        server.resume()
        client = user.connect()
        client.close()
        wait_until(lambda: server.get_json("/stats")["total_connections"] == 0, "nothing is left of them")
        wait_until(lambda: sockets(server) == LISTENING, "their descriptors are free")


def test_an_idle_websocket_keeps_nothing_of_its_request():
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with Server({"session.max_devices": 64}) as server:
        users = [User(server) for _ in range(50)]

        def connect(count):
            opened = [plug(server) for _ in range(count)]
            for i, s in enumerate(opened):
                s.sendall(upgrade_request(users[i % len(users)].token, device_id=f"{count}-{i}", sync="summary"))
            for s in opened:
                got = b""
                while b'"type":60' not in got:
                    got += s.recv(4096)
            return opened

        warm = connect(2500)
        before = server.rss_kib()
        idle = connect(2600)
        grown = server.rss_kib() - before
        print(f"{grown / len(idle):.2f} KiB a connection")
        assert grown / len(idle) < 2, "KiB a connection; with the parsers of its request it would be 3"
        for s in warm + idle:
            s.close()


def test_a_storm_of_connections_that_give_up_and_come_again(server):
    user = User(server)
    for round_ in range(5):
        sockets = [plug(server) for _ in range(200)]
        for i, s in enumerate(sockets):
            s.sendall(upgrade_request(user.token, device_id=f"s{i % 50}"))
        for s in sockets:
            s.close()
    user.connect().close()
    wait_until(lambda: server.get_json("/stats")["total_connections"] == 0)


def test_a_server_with_sockets_that_do_not_read_can_be_stopped():
    with Server({"session.max_devices": 64}) as server:
        users = [User(server) for _ in range(8)]
        missed(server, users)
        stalled = stall(server, users, TURNS)
        wait_until(lambda: server.get_json("/stats")["total_connections"] == len(stalled) + 1)
        assert server.stop() == 0
        for s in stalled:
            s.close()


def test_uploads_that_come_no_further_keep_no_other_upload_out(server):
    """More of them than there are threads for files."""
    alice, bob = User(server), User(server)
    form = b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n"
    head = (f"POST /api/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {alice.token}\r\nConnection: close\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n")
    stuck = [plug(server) for _ in range(40)]
    for s in stuck:
        s.sendall(head.format(1 << 20).encode() + form + b"x" * 1000)
    body = form + b"hello\r\n--b--\r\n"
    with plug(server) as s:
        s.sendall(head.format(len(body)).replace(alice.token, bob.token).encode() + body)
        assert everything(s).startswith(b"HTTP/1.1 200 ")
    for s in stuck:
        s.close()


def test_downloads_that_nobody_reads_keep_no_other_download_out(server):
    alice, bob = User(server), User(server)
    body = (b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n" + os.urandom(4 << 20) + b"\r\n--b--\r\n")
    files = {}
    for user in (alice, bob):
        status, answer = user.api.raw("POST", "/api/files", body, {"Content-Type": "multipart/form-data; boundary=b"})
        assert status == 200, answer
        files[user] = answer["data"]["file_id"]

    def request(user):
        return (f"GET /api/files/{files[user]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {user.token}\r\n\r\n").encode()

    before = server.rss_kib()
    stuck = [plug(server, receive_buffer=2048) for _ in range(60)]
    for s in stuck:
        s.sendall(request(alice))
    with plug(server) as s:
        s.sendall(request(bob))
        assert len(everything(s)) > 4 << 20
    assert server.rss_kib() - before < 60 * 1024, "a piece each, not a file each"
    for s in stuck:
        s.close()
