"""A full or failing disk: no ACK for what is not stored, everything else goes on, and service
resumes by itself (reliability.md F07, F08, F10, F32)."""
import random
import shutil
import sqlite3
import subprocess
import tempfile

from harness import BINARY, Server, User, new_id, wait_until
from harness.oracle import whole_history


def test_a_full_disk_refuses_messages_and_nothing_else(small_disk):
    with Server(data_dir=small_disk / "data") as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        acked = [a.say(bob, "before")["message_id"]]
        filler = small_disk / "filler"
        free = shutil.disk_usage(small_disk).free
        filler.write_bytes(b"x" * free)
        refused = None
        for i in range(2000):
            answer = a.say(bob, f"{i} " + "x" * 10_000)
            if "code" in answer:
                refused = answer
                break
            acked.append(answer["message_id"])
        assert refused and refused["code"] == 50701 and refused["error"]
        assert bob.history(alice)["messages"], "reading goes on"
        assert server.get_json("/health")["status"] == "ok"
        assert alice.api.error("POST", "/api/groups", {"name": "g"}) == (507, 50701)
        b.send({"type": 99, "content": {}})
        b.expect(type=99)
        filler.unlink()
        wait_until(lambda: "seq" in a.say(bob, "after"), "the service resumes")
        stored = [m["message_id"] for m in whole_history(alice.api, f"/api/messages/private/{bob.id}")]
        assert len(stored) == len(set(stored)) and set(acked) <= set(stored)
        server.kill()
        server.start()
        assert set(acked) <= {m["message_id"] for m in whole_history(alice.api, f"/api/messages/private/{bob.id}")}


def test_a_call_that_cannot_be_recorded_goes_on_until_it_can(small_disk):
    """What the batch did not store, the call has not seen, and who asked is told."""
    with Server({"files.keep_free_bytes": 0}, data_dir=small_disk / "data") as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        call = new_id()
        a.send({"type": 40, "to": bob.id, "content": {"call_id": call, "kind": "audio", "sdp": "x"}})
        b.expect(type=40)
        b.send({"type": 41, "content": {"call_id": call, "sdp": "y"}})
        a.expect(type=41)
        filler = small_disk / "filler"
        filler.write_bytes(b"x" * shutil.disk_usage(small_disk).free)
        wait_until(lambda: a.say(bob, "x" * 10_000).get("code") == 50701, "the disk is full")
        a.send({"type": 44, "content": {"call_id": call}})
        refused = a.expect(type=34)["content"]
        assert refused["code"] == 50701 and refused["ref"] == call
        a.send({"type": 43, "content": {"call_id": call, "candidate": {}}})
        b.expect(type=43)  # the call goes on
        b.expect_nothing(type=44)
        filler.unlink()
        assert b.expect(type=44)["content"]["call_id"] == call  # by itself, once there is room
        records = [m["content"] for m in alice.history(bob)["messages"] if m["type"] == 3]
        assert [(r["event"], r["status"], r["call_id"]) for r in records] == [("call", "answered", call)]
        b.send({"type": 40, "to": alice.id, "content": {"call_id": new_id(), "kind": "audio", "sdp": "x"}})
        a.expect(type=40)  # nobody is busy any more


def test_failing_syncs_never_produce_an_ack_for_what_is_lost():
    # A server that cannot sync at its start says so and ends: try until one gets through.
    failing = ["fiu-run", "-x", "-c", "enable_random name=posix/io/sync/*,probability=0.2,failinfo=5"]
    server = Server(wrapper=failing)

    def started():
        try:
            return server.start()
        except AssertionError as e:
            assert "disk I/O error" in str(e) or "cannot" in str(e), e
            return None

    wait_until(started, "a start gets through", 60)
    try:
        def stubborn(make):
            return wait_until(lambda: attempt(make), "a request gets through", 30)

        def attempt(make):
            try:
                return make()
            except AssertionError:
                return None

        alice, bob = stubborn(lambda: User(server)), stubborn(lambda: User(server))
        a = alice.connect()
        acked, refused = {}, 0
        for i in range(300):
            answer = a.say(bob, str(i), message_id=new_id())
            if "code" in answer:
                assert answer["code"] in (50001, 50301), answer
                refused += 1
            else:
                acked[answer["message_id"]] = answer["seq"]
        assert refused and acked
        assert "opened anew after an I/O error" in server.log_text(), "a connection that saw an I/O error is not used again"
        pid = server.process.pid
        subprocess.run(["pkill", "-9", "-P", str(pid)], check=False)
        server.kill()
        server.wrapper = []
        server.start()
        stored = {m["message_id"]: m["seq"] for m in whole_history(alice.api, f"/api/messages/private/{bob.id}")}
        assert acked.items() <= stored.items()
        assert sorted(stored.values()) == list(range(1, len(stored) + 1))
    finally:
        server.close()


def test_a_damaged_file_is_refused_with_a_clear_text():
    with Server() as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        for i in range(300):
            a.text(bob, "x" * 500)
        for _ in range(300):
            a.expect(type=30)
        server.stop()
        database = server.data_dir / "simpleim.db"
        sqlite3.connect(database).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        good = database.read_bytes()
        random.seed(1)
        refused = 0
        for _ in range(40):
            bad = bytearray(good)
            for _ in range(50):
                bad[random.randrange(100, len(bad))] ^= 1 << random.randrange(8)
            database.write_bytes(bad)
            (server.data_dir / "simpleim.db-wal").unlink(missing_ok=True)
            (server.data_dir / "simpleim.db-shm").unlink(missing_ok=True)
            done = subprocess.run([BINARY, "check", "--data-dir", server.data_dir], capture_output=True, text=True, errors="replace", timeout=30)
            assert done.returncode in (0, 1), done
            refused += done.returncode
            assert done.returncode == 0 or done.stderr.startswith("simpleim: "), done.stderr
        assert refused > 30


def test_backup_of_a_running_server_and_restore():
    with Server() as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        for i in range(500):
            a.text(bob, str(i))
        for _ in range(500):
            a.expect(type=30)
        backup = server.data_dir / "backup"
        sending = [a.text(bob, f"during {i}") for i in range(200)]
        done = subprocess.run([BINARY, "backup", backup, "--data-dir", server.data_dir], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        for _ in sending:
            a.expect(type=30)
        assert subprocess.run([BINARY, "backup", backup, "--data-dir", server.data_dir], capture_output=True).returncode == 1
        target = server.data_dir / "restored"
        done = subprocess.run([BINARY, "restore", backup, "--data-dir", target], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        with Server(data_dir=target) as again:
            alice.server = alice.api.server = again
            alice.sign_in()
            messages = whole_history(alice.api, f"/api/messages/private/{bob.id}")
            assert len(messages) >= 500 and [m["seq"] for m in messages] == list(range(1, len(messages) + 1))
            assert alice.connect().say(bob, "life goes on")["seq"] == len(messages) + 1
        assert subprocess.run([BINARY, "restore", backup, "--data-dir", target], capture_output=True).returncode == 1


def test_a_second_server_on_the_same_folder_or_port_is_refused():
    with Server() as server:
        second = Server(data_dir=server.data_dir)
        done = subprocess.run(second.command(), capture_output=True, text=True, timeout=10)
        assert done.returncode == 1 and "in use by another simpleim" in done.stderr
        with tempfile.TemporaryDirectory() as other:
            third = Server(data_dir=other)
            third.port = server.port
            done = subprocess.run(third.command(), capture_output=True, text=True, timeout=10)
            assert done.returncode == 1 and "cannot listen" in done.stderr


def test_another_process_holding_the_database_only_delays():
    with Server() as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        other = sqlite3.connect(server.data_dir / "simpleim.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        message_id = a.text(bob, "waits")
        assert server.get_json("/health")["status"] == "ok"
        other.execute("ROLLBACK")
        assert "seq" in a.expect(type=30, message_id=message_id)["content"]


def test_nothing_is_asked_of_shared_memory():
    """The MongoDB driver would, in every command; where it is missing (containers, hardened units) it warns on stderr."""
    done = subprocess.run(["strace", "-f", "-e", "trace=openat", BINARY, "version"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "libc.so" in done.stderr, done.stderr
    assert "/dev/shm" not in done.stderr
