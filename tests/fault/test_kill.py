"""Killed at random moments, again and again: nothing acknowledged is lost, doubled or reordered
(promises P1 to P3)."""
import os
import subprocess
import re
import threading
import time

from harness import Server, User, new_id, wait_until
from harness.oracle import Ledger, check, whole_history

KILLS = int(os.environ.get("KILLS", 100))


class Sender(threading.Thread):
    """Sends with its own ids, a window of 20 at a time, and sends again what was not acknowledged."""

    def __init__(self, user, targets, rng):
        super().__init__(daemon=True)
        self.user, self.targets, self.rng = user, targets, rng
        self.ledger = Ledger()
        self.open = {}
        self.stop = threading.Event()
        self.problem = None

    def run(self):
        try:
            while not (self.stop.is_set() and not self.open):
                try:
                    self.session()
                except (OSError, EOFError, TimeoutError):
                    time.sleep(0.002)
                except Exception as e:
                    if type(e).__module__.startswith("websockets"):
                        time.sleep(0.002)
                        continue
                    raise
        except BaseException as e:
            self.problem = e

    def session(self):
        client = self.user.connect(sync="summary")
        for frame in list(self.open.values()):
            client.send(frame)
        while not (self.stop.is_set() and not self.open):
            while len(self.open) < 20 and not self.stop.is_set():
                message_id = new_id()
                frame = {"message_id": message_id, "content": {"text": message_id}, **self.rng.choice(self.targets)}
                self.open[message_id] = frame
                self.ledger.sent[message_id] = frame
                client.send(frame)
            frame = client.receive(2)
            if frame["type"] == 30:
                content = frame["content"]
                if "code" in content:
                    assert content["code"] in (50301, 50302), content
                    client.send(self.open[frame["message_id"]])
                    continue
                self.ledger.acknowledge(frame["message_id"], content["conversation_id"], content["seq"])
                self.open.pop(frame["message_id"], None)


def test_killed_again_and_again(rng):
    with Server() as server:
        users = [User(server) for _ in range(4)]
        group = users[0].api("POST", "/api/groups", {"name": "g", "member_ids": [u.id for u in users[1:]]})["group_id"]
        senders = []
        for i, user in enumerate(users):
            targets = [{"type": 2, "group_id": group}, {"type": 1, "to": users[(i + 1) % 4].id}, {"type": 1, "to": users[i - 1].id}]
            senders.append(Sender(user, targets, type(rng)(rng.random())))
        for sender in senders:
            sender.start()
        for _ in range(KILLS):
            time.sleep(rng.uniform(0, 0.3))
            server.kill()
            server.start()
        for sender in senders:
            sender.stop.set()
        for sender in senders:
            sender.join(60)
            assert not sender.is_alive() and sender.problem is None, sender.problem
        server.kill()
        server.restart()
        histories = {f"group:{group}": [whole_history(u.api, f"/api/messages/group/{group}") for u in users]}
        for i in range(4):
            one, two = users[i], users[(i + 1) % 4]
            histories[one.with_(two)] = [whole_history(a.api, f"/api/messages/private/{b.id}") for a, b in ((one, two), (two, one))]
        stored = check(histories, [s.ledger for s in senders])
        acked = sum(len(s.ledger.acked) for s in senders)
        print(f"{KILLS} kills, {acked} acknowledged, {stored} stored")
        assert acked > KILLS
        server.stop()
        check_ = subprocess.run([*server.wrapper, str(server.command()[len(server.wrapper)]), "check", "--data-dir", server.data_dir], capture_output=True, text=True)
        assert check_.returncode == 0, check_.stderr


def test_what_was_delivered_is_stored(rng):
    """A receiver never shows a message that a crash could take back."""
    with Server() as server:
        alice, bob = User(server), User(server)
        seen = {}
        for round_ in range(10):
            a, b = alice.connect(sync="summary"), bob.connect(sync="summary")
            for i in range(200):
                a.text(bob, f"{round_}-{i}")
            deadline = time.monotonic() + rng.uniform(0.001, 0.05)
            try:
                while time.monotonic() < deadline:
                    frame = b.receive(max(0.0001, deadline - time.monotonic()))
                    if frame["type"] == 1:
                        seen[frame["message_id"]] = frame["seq"]
            except TimeoutError:
                pass
            server.kill()
            server.start()
        stored = {m["message_id"]: m["seq"] for m in whole_history(bob.api, f"/api/messages/private/{alice.id}")}
        assert seen and seen.items() <= stored.items()


def test_the_disk_has_it_before_the_ack_leaves():
    """Watches the system calls: between a message's arrival and its ACK lies a successful sync."""
    trace_file = None
    with Server() as server:
        alice, bob = User(server), User(server)
        trace_file = server.data_dir / "trace"
        tracer = subprocess.Popen(["strace", "-f", "-qq", "-s", "400", "-e", "trace=fdatasync,fsync,recvfrom,sendmsg,sendto", "-o", trace_file, "-p", str(server.process.pid)],
                                  stderr=subprocess.PIPE)
        wait_until(lambda: "TracerPid:\t0" not in open(f"/proc/{server.process.pid}/status").read(), "the tracer is attached")
        a = alice.connect()
        ids = [a.say(bob, f"traced {i}")["message_id"] for i in range(30)]
        tracer.terminate()
        tracer.wait()
        lines = trace_file.read_text(errors="replace").splitlines()
    acks = 0
    for message_id in ids:
        acked = next(i for i, line in enumerate(lines) if "sendmsg" in line and message_id in line and '\\"type\\":30' in line)
        synced = [i for i, line in enumerate(lines[:acked]) if re.search(r"(fdatasync|fsync).*= 0", line)]
        previous = [i for i, line in enumerate(lines[:acked]) if "sendmsg" in line and '\\"type\\":30' in line]
        assert synced and (not previous or synced[-1] > previous[-1]), f"no sync before the ACK of {message_id}"
        acks += 1
    assert acks == len(ids)
