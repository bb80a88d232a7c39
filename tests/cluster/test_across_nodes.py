"""What users of different nodes are to each other: the same as on one."""
import os
import threading
import urllib.error
import urllib.request

import pytest
from harness import User, new_id, wait_until
from harness.cluster import Cluster, at
from harness.files import Tus, download, picture, request, sha256, upload


@pytest.fixture
def people(cluster):
    """Alice's home is node 1, Bob's node 2, Carol's node 3."""
    alice, bob, carol = cluster.users(3)
    return alice, at(bob, cluster.nodes[1]), at(carol, cluster.nodes[2])


def texts(socket, count):
    """The first so many private texts that came, in their order."""
    while len(found := [f["content"]["text"] for f in socket.seen if f["type"] == 1]) < count:
        socket.receive()
    return found[:count]


def test_a_message_crosses_nodes(people):
    alice, bob, _ = people
    a, b = alice.connect(), bob.connect()
    ack = a.say(bob, "over there")
    got = b.expect(type=1)
    assert got["content"]["text"] == "over there"
    assert got["seq"] == ack["seq"] == 1
    assert b.say(alice, "and back")["seq"] == 2
    assert a.expect(type=1)["content"]["text"] == "and back"


def test_a_user_is_in_step_on_three_nodes(cluster, people):
    alice, bob, _ = people
    a = [at(alice, node).connect(device_id=f"d{i}") for i, node in enumerate(cluster.nodes)]
    b = bob.connect()
    for i in range(3):
        a[i].say(bob, f"from {i}")
    assert texts(b, 3) == ["from 0", "from 1", "from 2"]
    for i, socket in enumerate(a):
        assert texts(socket, 2) == [f"from {j}" for j in range(3) if j != i]
        socket.expect_nothing(type=1)
    b.say(alice, "hello all of you")
    for socket in a:
        assert socket.expect(type=1)["seq"] == 4
    # What is read on one device is read on all.
    a[0].send({"type": 31, "content": {"conversation_id": alice.with_(bob), "seq": 4}})
    for socket in (a[1], a[2], b):
        assert socket.expect(type=31)["content"]["seq"] == 4
    alice.api("PATCH", f"/api/conversations/{alice.with_(bob)}", {"pinned": True, "draft": "half a thou"})
    for socket in a[1:]:
        assert socket.expect(type=38)["content"]["draft"] == "half a thou"


def test_typing_recalls_edits_and_reactions_cross(people):
    alice, bob, _ = people
    a, b = alice.connect(), bob.connect()
    a.send({"type": 33, "content": {"conversation_id": alice.with_(bob)}})
    assert b.expect(type=33)["from"] == alice.id
    first, second = a.text(bob, "first"), a.text(bob, "second")
    for _ in range(2):
        b.expect(type=1)
    a.expect(type=30, message_id=second)
    b.send({"message_id": new_id(), "type": 36, "content": {"message_id": first, "emoji": "👍", "add": True}})
    assert a.expect(type=36)["content"]["count"] == 1
    a.send({"message_id": new_id(), "type": 35, "content": {"message_id": first, "content": {"text": "better"}}})
    assert b.expect(type=35)["content"]["content"]["text"] == "better"
    a.send({"message_id": new_id(), "type": 32, "content": {"message_id": second}})
    assert b.expect(type=32)["content"]["message_id"] == second
    texts = [m["content"].get("text") for m in bob.history(alice)["messages"]]
    assert "better" in texts and "second" not in texts


def test_groups_span_nodes(cluster, people):
    alice, bob, carol = people
    a, b, c = alice.connect(), bob.connect(), carol.connect()
    group = alice.api("POST", "/api/groups", {"name": "everywhere", "member_ids": [bob.id]})["group_id"]
    assert b.expect(type=3)["content"]["event"] == "created"
    b.say(group, "I am in")
    assert a.expect(type=2)["content"]["text"] == "I am in"
    # Who is let in on one node hears on another at once, from the event of his joining on.
    bob.api("POST", f"/api/groups/{group}/members", {"user_ids": [carol.id]})
    assert c.expect(type=3)["content"]["event"] == "invited"
    a.say(group, "welcome")
    assert c.expect(type=2)["content"]["text"] == "welcome"
    c.say(group, "thank you")
    for socket in (a, b):
        assert wait_text(socket, "thank you")
    # Who is out is out on every node, from that very message on.
    alice.api("DELETE", f"/api/groups/{group}/members/{carol.id}")
    refused = c.text(group, "but why")
    assert c.expect(type=30, message_id=refused)["content"]["code"] == 40301
    a.say(group, "among us")
    wait_text(b, "among us")
    c.expect_nothing(type=2)


def wait_text(socket, text):
    while True:
        frame = socket.expect(type=2)
        if frame["content"]["text"] == text:
            return frame


def test_a_block_holds_on_every_node(people):
    alice, bob, _ = people
    a, b = alice.connect(), bob.connect()
    a.say(bob, "hi")
    b.expect(type=1)
    bob.api("PUT", f"/api/blocks/{alice.id}")
    refused = a.text(bob, "are you there?")
    assert a.expect(type=30, message_id=refused)["content"]["code"] == 40303
    bob.api("DELETE", f"/api/blocks/{alice.id}")
    a.say(bob, "again")
    assert b.expect(type=1)["content"]["text"] == "again"


def test_the_same_id_through_two_nodes_is_one_message(cluster, people):
    alice, bob, _ = people
    b = bob.connect()
    first, second = alice.connect(device_id="x"), at(alice, cluster.nodes[2]).connect(device_id="y")
    for round_number in range(10):
        message_id = new_id()
        acks = []
        threads = [
            threading.Thread(target=lambda s=s: acks.append(s.say(bob, "once", message_id=message_id))) for s in (first, second)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert acks[0]["seq"] == acks[1]["seq"]
        assert b.expect(type=1)["message_id"] == message_id
    b.expect_nothing(type=1)
    assert len(bob.history(alice, limit=100)["messages"]) == 10


def test_presence_crosses_and_converges(cluster, people):
    alice, bob, _ = people
    a = alice.connect()
    a.send({"type": 50, "content": {"user_ids": [bob.id]}})
    assert a.expect(type=50)["content"]["online"] is False
    here = bob.connect(device_id="one")
    assert a.expect(type=50)["content"]["online"] is True
    there = at(bob, cluster.nodes[2]).connect(device_id="two")
    here.close()
    there.close()  # only now is he gone: nobody was told so when the first device went
    assert a.expect(type=50, deadline_s=20)["content"]["online"] is False
    assert [f["content"]["online"] for f in a.seen if f["type"] == 50] == [False, True, False]


def test_a_call_crosses_nodes(people):
    alice, bob, _ = people
    a, b = alice.connect(), bob.connect()
    call = new_id()
    a.send({"type": 40, "to": bob.id, "content": {"call_id": call, "kind": "audio", "sdp": "offer"}})
    assert b.expect(type=40)["content"]["sdp"] == "offer"
    b.send({"type": 41, "content": {"call_id": call, "sdp": "answer"}})
    assert a.expect(type=41)["content"]["sdp"] == "answer"
    a.send({"type": 43, "content": {"call_id": call, "candidate": {"candidate": "x"}}})
    assert b.expect(type=43)["content"]["candidate"] == {"candidate": "x"}
    b.send({"type": 44, "content": {"call_id": call}})
    for socket in (a, b):
        record = socket.expect(type=3)["content"]
        assert (record["event"], record["status"], record["call_id"]) == ("call", "answered", call)
    assert a.expect(type=44)["content"]["call_id"] == call


def test_a_call_that_rings_on_another_node_ends_by_itself():
    with Cluster(2, {"rtc.ring_s": 1}) as own:
        alice, bob = own.users(2)
        a, b = alice.connect(), at(bob, own.nodes[1]).connect()
        a.send({"type": 40, "to": bob.id, "content": {"call_id": (call := new_id()), "kind": "video", "sdp": "offer"}})
        b.expect(type=40)
        for socket in (a, b):
            assert socket.expect(type=3)["content"]["status"] == "missed"
            assert socket.expect(type=44)["content"]["call_id"] == call
            socket.expect_nothing(type=3)


def test_a_revoked_session_is_closed_wherever_it_is(cluster, people):
    alice, _, _ = people
    elsewhere = alice.device()
    socket = at(elsewhere, cluster.nodes[2]).connect(device_id="z")
    sessions = alice.api("GET", "/api/sessions")["sessions"]
    other = next(s for s in sessions if not s["current"])
    alice.api("DELETE", f"/api/sessions/{other['session_id']}")
    assert socket.closed(5) == 4002
    # And its token opens nothing anywhere.
    wait_until(lambda: at(elsewhere, cluster.nodes[1]).api.raw("GET", "/api/users/me")[0] == 401, deadline_s=5)


def test_search_finds_what_was_said_on_other_nodes(cluster, people):
    alice, bob, _ = people
    a, b = alice.connect(), bob.connect()
    a.say(bob, "the rhubarb is ripe")
    b.say(alice, "bring the rhubarb here")
    for user in (alice, bob, at(alice, cluster.nodes[2])):
        wait_until(lambda: len(user.api("GET", "/api/search/messages?q=rhubarb")["hits"]) == 2, "both to be found")


def test_a_file_is_everywhere(cluster, people):
    alice, bob, _ = people
    b = bob.connect()
    sent = upload(alice, image := picture(size=(640, 480)), "sunset.png")
    a = alice.connect()
    a.send({"message_id": new_id(), "type": 4, "to": bob.id, "content": {"file_id": sent["file_id"]}})
    content = b.expect(type=4)["content"]
    assert download(bob, content["url"])[2] == image
    assert download(at(bob, cluster.nodes[2]), content["thumbnail_url"])[0] == 200
    # Begun at one node, gone on with at another, finished at a third.
    data = os.urandom(2_000_000)
    path = Tus(alice).create(len(data))
    assert Tus(alice).patch(path, 0, data[:700_000])[0] == 204
    second, third = Tus(at(alice, cluster.nodes[1])), Tus(at(alice, cluster.nodes[2]))
    assert second.offset(path) == 700_000
    assert second.patch(path, 700_000, data[700_000:1_500_000])[0] == 204
    assert third.patch(path, 1_500_000, data[1_500_000:])[0] == 204
    assert third.result(path)["file"]["sha256"] == sha256(data)


def test_a_device_that_moves_to_another_node_leaves_the_old_one(cluster, people):
    alice, bob, _ = people
    here = alice.connect(device_id="phone")
    laptop = alice.connect(device_id="laptop")
    there = at(alice, cluster.nodes[1]).connect(device_id="phone")
    assert here.closed(5) == 4001
    bob.connect().say(alice, "where are you?")
    assert there.expect(type=1) and laptop.expect(type=1)


def test_a_single_device_is_one_on_all_nodes():
    with Cluster(2, {"session.policy": "single"}) as own:
        alice = own.users(1)[0]
        here = alice.connect(device_id="one")
        there = at(alice, own.nodes[1]).connect(device_id="another")
        assert here.closed(5) == 4001
        there.expect_nothing(type=34)


def test_an_account_made_on_one_node_signs_in_on_the_others(cluster):
    dave = User(cluster.nodes[0])
    for node in cluster.nodes[1:]:
        there = at(dave, node)
        there.sign_in()
        assert there.api("GET", "/api/users/me")["user_id"] == dave.id
    # A name is taken on all of them at once.
    from harness import Api

    assert Api(cluster.nodes[2]).error("POST", "/api/register", {"username": dave.name, "password": "secret-2"}) == (409, 40901)


def test_metrics_of_what_the_nodes_stand_on(cluster, people):
    alice, bob, _ = people
    b = bob.connect()
    alice.connect().say(bob, "counted")
    b.expect(type=1)
    first, second = cluster.nodes[0].metrics(), cluster.nodes[1].metrics()
    assert first["simpleim_bus_connected"] == 1 and first["simpleim_bus_connects_total"] >= 1
    assert first["simpleim_bus_published_total"] >= 1 and second["simpleim_bus_received_total"] >= 1
    for backend in ("mysql", "s3", "presence"):
        assert first[f'simpleim_backend_breaker{{backend="{backend}"}}'] == 0, backend
        assert f'simpleim_backend_failures_total{{backend="{backend}"}}' in first


def test_check_names_what_does_not_answer(cluster):
    done = cluster.nodes[0].operator("check")
    assert done.returncode == 0 and "bus: ok" in done.stdout, done.stderr


def test_browsers_get_files_from_s3_itself():
    """files.s3_public: the nodes only say where."""
    with Cluster(1) as cluster:
        cluster.nodes[0].stop()
        cluster.nodes[0].settings["files.s3_public"] = f"http://127.0.0.1:{cluster.minio.port}/"
        cluster.nodes[0].restart()
        alice, = cluster.users(1)
        content = picture(size=(600, 400))
        file = upload(alice, content, "a name & more.png")
        for path, shown in ((file["url"], "inline"), (file["thumbnail_url"], "inline"), (file["url"] + "&download=1", "attachment")):
            status, headers, body = download(alice, path)
            assert status == 302 and not body
            assert "private" in headers["cache-control"]
            # The same link for a quarter of an hour, so that browsers keep the picture.
            wait_until(lambda: download(alice, path)[1]["location"] == download(alice, path)[1]["location"])
            answer = urllib.request.urlopen(headers["location"])
            assert answer.headers["Content-Disposition"].startswith(shown)
            assert answer.headers["Content-Type"] == ("image/webp" if "thumbnail" in path else "image/png")
            assert "immutable" in answer.headers["Cache-Control"]
            got = answer.read()
            if "thumbnail" not in path:
                assert got == content and "more.png" in answer.headers["Content-Disposition"]
        part = urllib.request.urlopen(urllib.request.Request(headers["location"], headers={"Range": "bytes=10-19"}))
        assert part.status == 206 and part.read() == content[10:20]
        # Parts of an upload go there, too, as many bytes as was said; an empty PATCH ends it.
        large = os.urandom(100_000)
        tus = Tus(alice)
        path = tus.create(len(large))
        at_0 = tus.result(path)
        assert (at_0["offset"], at_0["put_size"]) == (0, len(large))
        for body, refused in ((large + b"more", True), (large[:-1], True), (large, False)):
            try:
                urllib.request.urlopen(urllib.request.Request(at_0["put_url"], data=body, method="PUT", headers={"Content-Type": ""}))
                assert not refused
            except urllib.error.HTTPError as e:
                assert refused and e.code == 403, e
        assert tus.offset(path) == len(large)
        assert tus.patch(path, len(large), b"")[0] == 204
        done = tus.result(path)
        assert "put_url" not in done and done["file"]["sha256"] == sha256(large)
        # The page may load from there.
        policy = request(cluster.nodes[0], "GET", "/")[1]["content-security-policy"]
        assert policy.count(f" http://127.0.0.1:{cluster.minio.port};") == 3
