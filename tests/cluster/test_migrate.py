"""`simpleim migrate`: what a single server has, in the backends of a cluster."""
import random
import subprocess

import pytest
from harness import BINARY, Server, User, new_id
from harness.backends import MariaDb, Minio, Mongo
from harness.cluster import at
from harness.files import download, picture, sha256, upload

RECALL, EDIT, REACTION, PIN = 32, 35, 36, 39


@pytest.fixture(scope="module")
def backends():
    mariadb, minio, mongo = MariaDb(), Minio(), Mongo()
    for backend in (mariadb, minio, mongo):
        backend.start()
    yield mariadb, minio, mongo
    for backend in (mariadb, minio, mongo):
        backend.close()


class Destination:
    """The file of a cluster's nodes, on databases of its own."""

    def __init__(self, backends, folder, mongo=False):
        self.mariadb, minio, mongodb = backends
        self.database = self.mariadb.new_database()
        self.settings = {"store.mysql": self.mariadb.url(self.database), "files.s3": minio.url(minio.new_bucket())}
        if mongo:
            self.settings["store.mongo"] = mongodb.url(mongodb.new_database())
        self.path = folder / "cluster.toml"
        self.path.write_text(f'server.data_dir = "{folder}/scratch"\n' + "".join(f'{k} = "{v}"\n' for k, v in self.settings.items()))

    def command(self, source):
        return [BINARY, "migrate", "--from", f"sqlite:{source}", "--to", self.path]

    def migrate(self, source):
        return subprocess.run(self.command(source), capture_output=True, text=True, timeout=120)

    def query(self, sql):
        return self.mariadb.query(f"USE {self.database}; {sql}").stdout.strip()


def operate(client, type, target, **content):
    message_id = new_id()
    client.send({"message_id": message_id, "type": type, "content": {"message_id": target["message_id"], **content}})
    assert "code" not in client.expect(type=30, message_id=message_id)["content"]


class Town:
    """People who have used everything that is kept."""

    def __init__(self, server, messages=300):
        self.people = alice, bob, carol = [User(server) for _ in range(3)]
        self.group = alice.api("POST", "/api/groups", {"name": "die Größten 🎉", "member_ids": [bob.id, carol.id]})["group_id"]
        a, b = alice.connect(), bob.connect()
        said = [a.say(bob, f"Nachricht {i} 'quoted' \\ 你好 🎉") for i in range(5)]
        operate(a, EDIT, said[0], content={"text": "edited"})
        operate(a, RECALL, said[1])
        operate(b, REACTION, said[2], emoji="👍")
        operate(a, PIN, said[3])
        ids = [b.text(self.group, f"many {i}", mentions=[alice.id] if i == 7 else []) for i in range(messages)]
        for message_id in ids:
            b.expect(type=30, message_id=message_id)
        self.file = upload(alice, picture(size=(640, 480)), "picture.png")
        self.large = upload(alice, random.Random(1).randbytes(3 << 20), "large.bin")
        for file, type in ((self.file, 4), (self.large, 7)):
            a.send({"message_id": new_id(), "type": type, "to": bob.id, "content": {"file_id": file["file_id"]}})
            a.expect(type=30)
        b.send({"type": 31, "content": {"conversation_id": alice.with_(bob), "seq": 4}})
        alice.api("PATCH", f"/api/conversations/{alice.with_(bob)}", {"pinned": True, "draft": "half a thou"})
        carol.api("PUT", f"/api/blocks/{bob.id}")
        bob.api("POST", f"/api/messages/{said[4]['message_id']}/report", {"reason": "spam", "note": "again"})

    def seen(self, server):
        """All that each of them sees."""
        everything = []
        for user in (at(person, server) for person in self.people):
            conversations = user.api("GET", "/api/conversations")
            pages = [conversations, user.api("GET", "/api/users/me"), user.api("GET", "/api/groups/my"), user.api("GET", "/api/blocks")]
            for row in conversations["conversations"]:
                kind = row["conversation_id"].split(":")[0]
                other = row["conversation_id"].split(":")[1] if kind == "group" else next(i for i in row["conversation_id"].split(":")[1:] if i != str(user.id))
                after = 0
                while True:
                    page = user.api("GET", f"/api/messages/{kind}/{other}?after_seq={after}&limit=200")
                    pages.append(page)
                    if not page["has_more"]:
                        break
                    after = page["messages"][-1]["seq"]
            everything.append(pages)
        alice = at(self.people[0], server)
        for file in (self.file, self.large):
            status, _, body = download(alice, file["url"])
            assert status == 200
            everything.append(sha256(body))
        status, _, body = download(alice, self.file["thumbnail_url"])
        assert status == 200
        everything.append(sha256(body))
        return everything


@pytest.fixture
def source():
    """A server of its own that is down, and what was in it."""
    with Server({"store.mysql": "", "store.mongo": "", "files.s3": ""}) as server:
        town = Town(server)
        seen = town.seen(server)
        server.stop()
        yield server.data_dir, town, seen


def without_times(seen):
    """Whoever asks is there: the last activity moves."""
    if isinstance(seen, dict):
        return {k: without_times(v) for k, v in seen.items() if k not in ("last_seen", "last_active", "online", "expires_in", "url", "thumbnail_url")}
    return [without_times(v) for v in seen] if isinstance(seen, list) else seen


@pytest.mark.parametrize("mongo", [False, True], ids=["mysql", "mongo"])
def test_everything_is_there_afterwards(backends, source, tmp_path, mongo):
    data_dir, town, before = source
    there = Destination(backends, tmp_path, mongo)
    done = there.migrate(data_dir)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "user: 3 rows, sha256" in done.stdout and "everything is there" in done.stdout and "100 %" in done.stdout
    with Server(there.settings) as node:
        # Also the sign-ins: nobody has to come back with his password.
        assert without_times(town.seen(node)) == without_times(before)
        assert "again" in node.operator("report", "list").stdout
        alice, bob, _ = (at(person, node) for person in town.people)
        b = bob.connect()
        last = alice.history(bob, limit=1)["messages"][-1]["seq"]
        assert alice.connect().say(bob, "from the cluster")["seq"] == last + 1
        assert b.expect(type=1)["content"]["text"] == "from the cluster"
    again = there.migrate(data_dir)
    assert again.returncode == 1 and "not empty" in again.stderr


def test_one_that_is_broken_off_goes_on(backends, source, tmp_path):
    data_dir, town, before = source
    there = Destination(backends, tmp_path, mongo=True)
    chance = random.Random(2)
    broken_off = 0
    for _ in range(12):
        process = subprocess.Popen(["stdbuf", "-oL", *there.command(data_dir)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(chance.randrange(1, 16)):
            if not process.stdout.readline():
                break
        process.kill()
        _, errors = process.communicate()
        broken_off += process.returncode != 0
        if "not empty" in errors:
            break
        if there.query("SELECT count(*) FROM setting WHERE name='import.source' AND value <> ''") == "1":
            node = subprocess.run([BINARY, "serve", "--config", there.path, "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
            assert node.returncode == 1 and "migrate" in node.stderr, node.stderr
    assert broken_off > 0
    done = there.migrate(data_dir)
    assert done.returncode == 0 or "not empty" in done.stderr, done.stdout + done.stderr
    with Server(there.settings) as node:
        assert without_times(town.seen(node)) == without_times(before)


def test_a_copy_that_is_not_the_same_is_noticed(backends, source, tmp_path):
    data_dir, _, _ = source
    there = Destination(backends, tmp_path)
    process = subprocess.Popen(["stdbuf", "-oL", *there.command(data_dir)], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("files"):
            break
    process.kill()
    process.communicate()
    there.query("UPDATE message SET content='{\"text\":\"forged\"}' ORDER BY `key` LIMIT 1")
    done = there.migrate(data_dir)
    assert done.returncode == 1 and "not the same: message: " in done.stderr, done.stdout + done.stderr


def test_what_cannot_be_migrated_says_why(backends, source, tmp_path):
    data_dir, _, _ = source
    there = Destination(backends, tmp_path)

    def refusal(source, path=there.path):
        done = subprocess.run([BINARY, "migrate", "--from", source, "--to", path], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        return done.stderr

    assert "sqlite:DIR" in refusal(str(data_dir))
    assert "no database in" in refusal(f"sqlite:{tmp_path}/nowhere")
    single = tmp_path / "single.toml"
    single.write_text("server.node_id = 'x'\n")
    assert "store.mysql" in refusal(f"sqlite:{data_dir}", single)
    with Server({"store.mysql": ""}, data_dir=data_dir):
        assert "in use by another simpleim" in refusal(f"sqlite:{data_dir}")
    content = next(p for p in (data_dir / "files").rglob("*") if p.is_file() and len(p.name) == 64)
    content.write_bytes(b"not what it was")
    assert "is damaged in the source" in refusal(f"sqlite:{data_dir}")
