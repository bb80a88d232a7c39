"""Members who keep talking whatever happens, and what must be true of it afterwards."""
import json
import os
import random
import threading
import time

from harness import Client, new_id, wait_until
from harness.cluster import at
from harness.oracle import Ledger, check, whole_history
from websockets.exceptions import ConnectionClosed, InvalidHandshake

SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))
# A proxy without a node to go to answers in its own words: no JSON.
LOST = (ConnectionClosed, InvalidHandshake, OSError, EOFError, AssertionError, ValueError)


class Member(threading.Thread):
    """Writes to everybody and to the group, repeats what is not acknowledged (with the same id), goes to another node
    when one does not answer, and notes what it hears."""

    IN_FLIGHT = 3
    PATIENCE_S = 3
    REPORT_EVERY = 20
    PAUSE_S = 0.1

    def __init__(self, user, nodes, rng):
        super().__init__(daemon=True)
        self.user, self.nodes, self.rng = user, nodes, rng
        self.ledger = Ledger()
        self.pending = {}
        self.heard = {}
        self.problems = []
        self.targets = []
        self.talking = True
        self.stopping = False
        self.connects = 0
        self.whole = {}
        self.ahead = {}
        self.reported = {}
        self.longest_gap_s = 0
        self.last_ack = time.monotonic()

    def run(self):
        node = self.rng.randrange(len(self.nodes))
        while not self.stopping:
            try:
                self.converse(at(self.user, self.nodes[node]))
            except LOST:
                pass
            if not self.stopping:
                time.sleep(self.rng.uniform(0.05, 0.3))
            node = (node + 1) % len(self.nodes)

    def converse(self, here):
        client = Client(here, device_id="only", synced=False, open_timeout=self.PATIENCE_S)
        self.connects += 1
        in_order = {}
        try:
            due = dict.fromkeys(self.pending, 0)
            sent_at = {}
            while not self.stopping:
                now = time.monotonic()
                if self.talking and len(self.pending) < self.IN_FLIGHT:
                    self.compose(due)
                for message_id, when in list(due.items()):
                    if when <= now:
                        del due[message_id]
                        sent_at[message_id] = now
                        client.send(self.pending[message_id])
                if any(now - sent_at.get(i, now) > self.PATIENCE_S for i in self.pending):
                    return
                try:
                    frame = json.loads(client.socket.recv(timeout=0.02))
                except TimeoutError:
                    continue
                self.take(frame, in_order, due)
                if frame["type"] == 60 and frame["content"]["has_more"]:
                    self.fetch(here, frame["content"]["conversations"])
                self.report(client)
        finally:
            threading.Thread(target=client.socket.close, daemon=True).start()

    def compose(self, due):
        target = self.rng.choice(self.targets)
        message_id = new_id()
        frame = {"message_id": message_id, "content": {"text": f"{self.user.name} {len(self.ledger.sent)}"}}
        frame.update({"type": 2, "group_id": target} if isinstance(target, str) else {"type": 1, "to": target.id})
        self.ledger.sent[message_id] = frame
        self.pending[message_id] = frame
        due[message_id] = time.monotonic() + self.rng.uniform(0, self.PAUSE_S)

    def take(self, frame, in_order, due):
        kind, content = frame["type"], frame["content"]
        if kind == 30:
            message_id = frame["message_id"]
            if "seq" in content:
                self.ledger.acknowledge(message_id, content["conversation_id"], content["seq"])
                self.hold(content["conversation_id"], content["seq"])
                if self.pending.pop(message_id, None):
                    now = time.monotonic()
                    self.longest_gap_s = max(self.longest_gap_s, now - self.last_ack)
                    self.last_ack = now
            elif content["code"] // 100 == 503:
                due[message_id] = time.monotonic() + self.rng.uniform(0.1, 0.3)
            else:
                self.problems.append(f"{message_id} was refused: {content}")
        elif kind in (1, 2, 3):
            conversation, seq = frame["conversation_id"], frame["seq"]
            if seq <= in_order.get(conversation, 0):
                self.problems.append(f"{conversation}: {seq} came after {in_order[conversation]}")
            in_order[conversation] = max(seq, in_order.get(conversation, 0))
            self.heard.setdefault(conversation, set()).add(frame["message_id"])
            self.hold(conversation, seq)


    def fetch(self, here, conversations):
        """After so long an absence that a sync does not bring all: the rest by pages."""
        for c in conversations:
            conversation = c["conversation_id"]
            while (after := self.whole.get(conversation, 0)) < c["last_seq"]:
                page = here.api("GET", f"/api/messages/{path_of(conversation, self.user.id)}?limit=200&after_seq={after}")
                for message in page["messages"]:
                    self.heard.setdefault(conversation, set()).add(message["message_id"])
                    self.hold(conversation, message["seq"])

    def hold(self, conversation, seq):
        """Everything up to `whole` is here."""
        ahead = self.ahead.setdefault(conversation, set())
        ahead.add(seq)
        whole = self.whole.setdefault(conversation, 0)
        while whole + 1 in ahead:
            whole += 1
            ahead.remove(whole)
        self.whole[conversation] = whole

    def report(self, client):
        """As the SDK does: what this device holds."""
        for conversation, seq in self.whole.items():
            if seq >= self.reported.get(conversation, 0) + self.REPORT_EVERY:
                self.reported[conversation] = seq
                client.send({"type": 37, "content": {"conversation_id": conversation, "seq": seq}})


def path_of(conversation, me):
    kind, *ids = conversation.split(":")
    return f"{kind}/{next((i for i in ids if i != me), me)}"


class Traffic:
    """`with Traffic(cluster) as traffic:` people talk inside; at its end everything is checked."""

    def __init__(self, cluster, members=6, through=None):
        print(f"SEED={SEED}")
        self.cluster = cluster
        self.rng = random.Random(SEED)
        users = cluster.users(members)
        group = users[0].api("POST", "/api/groups", {"name": "all", "member_ids": [u.id for u in users[1:]]})["group_id"]
        self.group = group
        self.members = [Member(u, through or cluster.nodes, random.Random(self.rng.random())) for u in users]
        for m in self.members:
            # Mostly the group: it is where all nodes write to one conversation.
            m.targets = [group] * members + [u for u in users if u is not m.user]

    def __enter__(self):
        for m in self.members:
            m.start()
        self.flow()
        return self

    @property
    def acked(self):
        return sum(len(m.ledger.acked) for m in self.members)

    def flow(self, more=60, deadline_s=30):
        """Waits until so many more messages are acknowledged."""
        before = self.acked
        wait_until(lambda: self.acked >= before + more, f"{more} more acknowledgements", deadline_s)

    def flow_for_all(self, deadline_s=30):
        """Waits until everybody has had something acknowledged."""
        before = {m: len(m.ledger.acked) for m in self.members}
        wait_until(lambda: all(len(m.ledger.acked) > n for m, n in before.items()), "everybody to go on", deadline_s)

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.finish()
        except BaseException:
            for node in self.cluster.nodes:
                print(f"--- the end of what {node.settings['server.node_id']} said\n{node.log_text()[-3000:]}")
            raise
        finally:
            for m in self.members:
                m.stopping = True
            for m in self.members:
                m.join(20)

    def finish(self):
        for m in self.members:
            m.talking = False
        wait_until(lambda: not any(m.pending for m in self.members), "everything to be acknowledged", 30)
        wait_until(lambda: self.cluster.nodes[0].get("/ready")[0] == 200, "the node that is asked to be ready")
        problems = [p for m in self.members for p in m.problems]
        assert not problems, problems[:10]
        histories = self.histories()
        stored = check(histories, [m.ledger for m in self.members])
        try:
            wait_until(lambda: not self.unheard(histories), "everybody to hear everything", 20)
        except AssertionError as e:
            raise AssertionError(f"never heard: {self.unheard(histories)[:20]}") from e
        print(f"{stored} messages, {sum(m.connects for m in self.members)} connections, "
              f"longest wait for an acknowledgement {max(m.longest_gap_s for m in self.members):.1f} s")

    def histories(self):
        node = self.cluster.nodes[0]
        found = {}
        for m in self.members:
            api = at(m.user, node).api
            found.setdefault(f"group:{self.group}", []).append(whole_history(api, f"/api/messages/group/{self.group}"))
            for other in self.members:
                if other is not m:
                    found.setdefault(m.user.with_(other.user), []).append(
                        whole_history(api, f"/api/messages/private/{other.user.id}"))
        return {c: readings for c, readings in found.items() if readings[0]}

    def unheard(self, histories):
        """What somebody should have heard and has not: everything in his conversations that others said."""
        missing = []
        for conversation, readings in histories.items():
            for m in self.members:
                if conversation.startswith("private:") and m.user.id not in conversation:
                    continue
                heard = m.heard.get(conversation, set())
                missing += [(m.user.name, conversation, x["seq"]) for x in readings[0]
                            if x["from"] != m.user.id and x["message_id"] not in heard]
        return missing
