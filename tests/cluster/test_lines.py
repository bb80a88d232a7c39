"""Lines and servers that do not fail but do harm: slow, cut at the worst moment, read-only, saying no, another time of
day. One checker as in test_chaos."""
import itertools
import json
import re
import struct
import subprocess
from datetime import datetime, timedelta

import pytest
from harness import Server, User, wait_until
from harness.backends import MariaDb, Redis, Sentinel
from harness.cluster import Cluster, at
from harness.files import download, sha256, try_upload, upload
from harness.proxy import Proxy

from traffic import Traffic


class Proxied(Cluster):
    """All nodes reach one of the backends through a proxy."""

    def __init__(self, behind, **more):
        super().__init__(**more)
        self.behind = behind
        self.proxy = None

    def make_node(self, i):
        backend = getattr(self, self.behind)
        self.proxy = self.proxy or Proxy(backend.port)
        port, backend.port = backend.port, self.proxy.port
        try:
            return super().make_node(i)
        finally:
            backend.port = port

    def close(self):
        super().close()
        if self.proxy:
            self.proxy.close()


def parts(node):
    """What the operator's port says: strangers are told no names."""
    return json.loads(node.get("/ready", node.admin_port)[1])["parts"]


def all_ready(cluster):
    return all(node.get("/ready")[0] == 200 for node in cluster.nodes)


def test_a_redis_that_takes_two_seconds():
    with Proxied("redis") as cluster, Traffic(cluster) as traffic:
        cluster.proxy.delay_s = 2
        wait_until(lambda: all(parts(n)["bus"] != "ok" for n in cluster.nodes), "the nodes to notice")
        traffic.flow(60)
        traffic.flow_for_all()
        cluster.proxy.delay_s = 0
        wait_until(lambda: all(parts(n)["bus"] == "ok" for n in cluster.nodes), "the bus", 20)
        traffic.flow(60)


def test_a_redis_that_drops_who_is_slow_to_read():
    with Cluster(3) as cluster, Traffic(cluster) as traffic:
        cluster.redis.command_line("CONFIG", "SET", "client-output-buffer-limit", "pubsub 2048 1024 1")
        before = [n.metrics()["simpleim_bus_connects_total"] for n in cluster.nodes]
        # Nodes that are stopped for a moment do not read.
        for node in cluster.nodes:
            node.pause()
            traffic.flow(120)
            node.resume()
        wait_until(lambda: any(n.metrics()["simpleim_bus_connects_total"] > b for n, b in zip(cluster.nodes, before)),
                   "Redis to cut somebody off", 20)
        traffic.flow_for_all()


def test_redis_fails_over():
    """A replica that becomes the master; what the old one had not told it yet is lost."""
    master = Redis().start()
    replica = Redis(arguments=["--replicaof", "127.0.0.1", str(master.port)]).start()
    sentinel = Sentinel(master.port).start()
    try:
        wait_until(lambda: sentinel.knows_a_replica(), "the Sentinel to know the replica", 20)
        with Cluster(3, {"cluster.redis": sentinel.url()}) as cluster, Traffic(cluster) as traffic:
            master.kill()
            traffic.flow(60)
            wait_until(lambda: all(parts(n)["bus"] == "ok" for n in cluster.nodes) and sentinel.master() == replica.port,
                       "the new master", 30)
            traffic.flow(60)
            people = cluster.users(2)
            there = at(people[1], cluster.nodes[1]).connect()
            people[0].connect().say(people[1], "over the new master")
            assert there.expect(type=1)["content"]["text"] == "over the new master"
    finally:
        for backend in (sentinel, replica, master):
            backend.close()


def test_commits_whose_answer_is_lost():
    """MariaDB gets the COMMIT, the node never hears of it: stored once, acknowledged once."""
    counter = itertools.count(1)
    with Proxied("mariadb") as cluster, Traffic(cluster) as traffic:
        cluster.proxy.answer = lambda piece: Proxy.CUT if b"COMMIT" in piece and next(counter) % 10 == 0 else None
        traffic.flow(200, 60)
        assert next(counter) > 20
        cluster.proxy.answer = lambda piece: None
        traffic.flow_for_all()
        logs = "".join(n.log_text() for n in cluster.nodes)
        assert "a batch whose commit was not confirmed" in logs


def test_a_mariadb_that_is_read_only():
    with Cluster(3) as cluster, Traffic(cluster) as traffic:
        cluster.mariadb.query("SET GLOBAL read_only=1")
        wait_until(lambda: not any(n.get("/ready")[0] == 200 for n in cluster.nodes), "the nodes to say so")
        assert any("read-only" in parts(n)["store"] for n in cluster.nodes)
        cluster.mariadb.query("SET GLOBAL read_only=0")
        traffic.flow_for_all(30)
        wait_until(lambda: all_ready(cluster), "the nodes to be ready")


def mongo_refusal(piece):
    """What a MongoDB that is no longer the primary answers (OP_MSG, BSON by hand)."""
    def text(name, value):
        return b"\x02" + name + b"\0" + struct.pack("<i", len(value) + 1) + value + b"\0"

    fields = b"\x01ok\0" + struct.pack("<d", 0) + text(b"errmsg", b"not primary") + b"\x10code\0" + struct.pack("<i", 10107) \
        + text(b"codeName", b"NotWritablePrimary")
    document = struct.pack("<i", len(fields) + 5) + fields + b"\0"
    body = struct.pack("<i", 0) + b"\0" + document
    request = struct.unpack_from("<i", piece, 4)[0]
    return struct.pack("<iiii", 16 + len(body), 1, request, 2013) + body


def test_a_mongodb_that_is_not_the_primary():
    with Proxied("mongo", mongo=True) as cluster, Traffic(cluster) as traffic:
        cluster.proxy.answer = lambda piece: mongo_refusal(piece) if b"\x02insert\0" in piece else None
        before = traffic.acked
        wait_until(lambda: sum("not primary" in n.log_text() for n in cluster.nodes) > 0, "the nodes to be refused", 20)
        assert traffic.acked - before < 30, "what was on its way at most"
        cluster.proxy.answer = lambda piece: None
        traffic.flow_for_all(30)


def test_inserts_of_mongodb_whose_answer_is_lost():
    counter = itertools.count(1)
    with Proxied("mongo", mongo=True) as cluster, Traffic(cluster) as traffic:
        cluster.proxy.answer = lambda piece: Proxy.CUT if b"\x02insert\0" in piece and next(counter) % 10 == 0 else None
        traffic.flow(100, 60)
        cluster.proxy.answer = lambda piece: None
        traffic.flow_for_all(30)


def http_answer(status, body):
    return f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()


SLOW_DOWN = http_answer("503 Slow Down", "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>")
BROKEN = http_answer("500 Internal Server Error", "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>")


@pytest.mark.parametrize("refusal", [SLOW_DOWN, BROKEN], ids=["503", "500"])
def test_an_s3_that_says_no(refusal):
    with Proxied("minio", nodes=1) as cluster:
        user = User(cluster.nodes[0])
        kept = upload(user, b"before")
        # Once: nobody notices.
        times = itertools.count()
        cluster.proxy.answer = lambda piece: refusal if piece.startswith(b"PUT") and next(times) == 0 else None
        assert download(user, upload(user, b"tried again")["url"])[2] == b"tried again"
        # For good: a clear answer, no row, texts go on.
        cluster.proxy.answer = lambda piece: refusal if piece.startswith((b"PUT", b"GET", b"HEAD", b"POST")) else b""
        status, answer = try_upload(user, b"refused")
        assert (status, answer["code"]) == (503, 50301), answer
        assert download(user, kept["url"])[0] == 503
        assert user.connect().say(User(cluster.nodes[0]), "texts go on")["seq"] == 1
        cluster.proxy.answer = lambda piece: None
        wait_until(lambda: parts(cluster.nodes[0])["files"] == "ok", "the files")
        assert cluster.mariadb.query(f"SELECT count(*) FROM {cluster.database}.file").stdout.strip() == "2"
        assert download(user, kept["url"])[2] == b"before"


def test_an_s3_that_names_another_etag():
    """What it says it has of a part is not what it will be asked for: no row, and nothing of the file is to be had."""
    content = bytes(range(256)) * (80 << 10)  # more than one part
    with Proxied("minio", nodes=1) as cluster:
        user = User(cluster.nodes[0])
        forged = itertools.count()

        def forge(piece):
            changed = re.sub(rb'(?i)(\r\netag: ")[0-9a-f]{32}', lambda m: m[1] + b"0" * 32, piece)
            if changed != piece:
                next(forged)
            return changed

        cluster.proxy.forge = forge
        status, answer = try_upload(user, content)
        assert next(forged) >= 2, "each part's answer was forged"
        assert (status, answer["code"]) == (500, 50001), answer
        assert cluster.mariadb.query(f"SELECT count(*) FROM {cluster.database}.file").stdout.strip() == "0"
        assert user.connect().say(User(cluster.nodes[0]), "texts go on")["seq"] == 1
        cluster.proxy.forge = lambda piece: piece
        assert sha256(download(user, upload(user, content)["url"])[2]) == sha256(content)


def test_a_download_that_s3_breaks_off():
    """The rest is asked for again; nobody gets half a file for a whole one."""
    content = bytes(range(256)) * (40 << 10)
    with Proxied("minio", nodes=1) as cluster:
        user = User(cluster.nodes[0])
        file = upload(user, content)
        cuts = itertools.count()
        cluster.proxy.answer = lambda piece: Proxy.CUT if piece.startswith(b"GET") and next(cuts) % 3 == 1 else None
        try:
            status, headers, body = download(user, file["url"])
            whole = status == 200 and sha256(body) == sha256(content)
            refused = status == 503
            assert whole or refused, (status, len(body))
        except Exception as broken_off:  # the server closed before the announced length: the client knows
            assert "IncompleteRead" in repr(broken_off) or "closed" in repr(broken_off), broken_off
        cluster.proxy.answer = lambda piece: None
        assert sha256(download(user, file["url"])[2]) == sha256(content)


class Skewed(Cluster):
    """Nodes whose wall clocks differ; timers do not (as on real machines)."""

    OFFSETS = ("+0s", "+25s", "-25s")

    def make_node(self, i):
        node = super().make_node(i)
        library = subprocess.run(["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"], capture_output=True, text=True).stdout.strip()
        assert library, "Debian's faketime is needed"
        node.env.update({"LD_PRELOAD": library, "FAKETIME": self.OFFSETS[i], "DONT_FAKE_MONOTONIC": "1"})
        return node


def test_nodes_whose_clocks_differ():
    with Skewed(3) as cluster, Traffic(cluster) as traffic:
        traffic.flow(300)
        traffic.flow_for_all()
        # Signed in where it is later, welcome where it is earlier: within a minute nobody is turned away.
        user = User(cluster.nodes[1])
        assert at(user, cluster.nodes[2]).api("GET", "/api/users/me")["user_id"] == user.id
        times = [datetime.fromisoformat(node.get_json("/health")["time"]) for node in cluster.nodes]
        assert times[1] - times[2] > timedelta(seconds=40), "the clocks did differ"
        messages = traffic.members[0].user.group_history(traffic.group, limit=200)["messages"]
        stamps = [m["timestamp"] for m in sorted(messages, key=lambda m: m["seq"])]
        assert stamps == sorted(stamps), "whichever node stores it, a message is not older than the one before it"


def certificate(folder, name):
    """A certificate of its own authority, for this host name."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"],
                   check=True, stderr=subprocess.DEVNULL)


def test_mysql_over_tls(tmp_path):
    certificate(tmp_path, "localhost")
    certificate(tmp_path, "other")
    mariadb = MariaDb(arguments=[f"--ssl-cert={tmp_path}/localhost.pem", f"--ssl-key={tmp_path}/localhost.key"]).start()
    try:
        url = mariadb.url(mariadb.new_database())
        mariadb.query("ALTER USER 'simpleim'@'%' REQUIRE SSL")
        secure = {"store.mysql": url.replace("127.0.0.1", "localhost"), "store.mysql_ca": f"{tmp_path}/localhost.pem"}
        with Server(secure) as node:
            alice, bob = User(node), User(node)
            assert alice.connect().say(bob, "nobody listens")["seq"] == 1
        for wrong in ({"store.mysql": url}, {**secure, "store.mysql_ca": f"{tmp_path}/other.pem"}, {**secure, "store.mysql": url}):
            refused = Server(wrong)
            done = subprocess.run(refused.command(), capture_output=True, text=True, timeout=60)
            assert done.returncode == 1 and "MySQL, connecting to" in done.stderr, (wrong, done.stderr)
            refused.close()
    finally:
        mariadb.close()
