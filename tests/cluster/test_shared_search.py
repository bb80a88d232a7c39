"""One index for all nodes (search.url, OpenSearch): one node writes to it, another takes over; away, it holds nothing else up."""
import json
import socket
import threading
import time
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from harness import ApiError, new_id, wait_until
from harness.backends import OpenSearch
from harness.cluster import Cluster, at


@pytest.fixture(scope="module")
def opensearch():
    with_server = OpenSearch().start()
    yield with_server
    with_server.close()


@pytest.fixture(scope="module")
def cluster(opensearch):
    with Cluster(3, {"search.url": opensearch.url("simpleim"), "search.deadline_ms": 1000}) as running:
        yield running


def search(user, node, q, **filters):
    query = urlencode({"q": q, **filters})
    return [hit["message"]["message_id"] for hit in at(user, node).api("GET", f"/api/search/messages?{query}")["hits"]]


def writer(cluster, opensearch):
    """The node that writes to the index, as the lease says."""
    with urlopen(opensearch.url("simpleim-lease/_doc/lease")) as answer:
        name = json.load(answer)["_source"]["node"].split("/")[0]
    return next((node for node in cluster.nodes if node.settings["server.node_id"] == name), None)


def finds(user, node, q, ids):
    try:
        return search(user, node, q) == ids
    except ApiError as e:
        assert e.code == 50301, e
        return False


def found_everywhere(cluster, user, q, ids):
    for node in cluster.nodes:
        if node.process.poll() is None:
            wait_until(lambda: finds(user, node, q, ids), f"{q} on {node.settings['server.node_id']} to be found as {ids}")


def test_every_node_finds_what_is_said_on_any(cluster):
    alice, bob = cluster.users(2)
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    ids = []
    for i, node in enumerate(cluster.nodes):
        client = at(alice, node).connect(device_id=f"d{i}")
        ids.insert(0, client.say(group, f"zebra number {i} 斑马在这里")["message_id"])
    for q in ("zebra", "斑马", "zeb", "number 这里"):
        found_everywhere(cluster, bob, q, ids)
    stranger = cluster.users(1)[0]
    assert search(stranger, cluster.nodes[1], "zebra") == []


def test_an_edit_and_a_recall_are_there_within_a_moment(cluster):
    alice, bob = cluster.users(2)
    client = at(alice, cluster.nodes[0]).connect()
    message = client.say(bob, "giraffe in the garden")["message_id"]
    found_everywhere(cluster, bob, "giraffe", [message])
    client.send({"message_id": new_id(), "type": 35, "content": {"message_id": message, "content": {"text": "antelope in the garden"}}})
    client.expect(type=30)
    began = time.monotonic()
    found_everywhere(cluster, bob, "antelope", [message])
    print(f"an edit is found after {time.monotonic() - began:.2f} s")
    found_everywhere(cluster, bob, "giraffe", [])
    client.send({"message_id": new_id(), "type": 32, "content": {"message_id": message}})
    client.expect(type=30)
    found_everywhere(cluster, bob, "antelope", [])


def test_newcomers_find_what_came_after_them(cluster):
    alice, bob = cluster.users(2)
    group = alice.api("POST", "/api/groups", {"name": "g"})["group_id"]
    client = at(alice, cluster.nodes[2]).connect()
    client.say(group, "wombat before")
    alice.api("POST", f"/api/groups/{group}/members", {"user_ids": [bob.id]})
    later = client.say(group, "wombat after")["message_id"]
    found_everywhere(cluster, bob, "wombat", [later])


def test_away_it_holds_nothing_up_and_catches_up(cluster, opensearch):
    alice, bob = cluster.users(2)
    client = at(alice, cluster.nodes[0]).connect()
    opensearch.freeze()
    try:
        said = client.say(bob, "penguin meanwhile")["message_id"]
        for node in cluster.nodes:
            assert at(bob, node).api.error("GET", "/api/search/messages?q=penguin") == (503, 50301)
            assert at(bob, node).api.raw("GET", "/ready")[0] == 200
    finally:
        opensearch.thaw()
    found_everywhere(cluster, bob, "penguin", [said])
    opensearch.kill()
    said = [client.say(bob, "penguin later")["message_id"], said]
    assert at(bob, cluster.nodes[1]).api.error("GET", "/api/search/messages?q=penguin") == (503, 50301)
    opensearch.start()
    found_everywhere(cluster, bob, "penguin", said)


def test_it_is_made_anew_while_it_is_used(cluster):
    alice, bob = cluster.users(2)
    client = at(alice, cluster.nodes[0]).connect()
    first = client.say(bob, "octopus first")["message_id"]
    found_everywhere(cluster, bob, "octopus", [first])
    answers, stop = [], threading.Event()

    def look():
        while not stop.is_set():
            answers.append(at(bob, cluster.nodes[1]).api.raw("GET", "/api/search/messages?q=octopus"))
    looker = threading.Thread(target=look)
    looker.start()
    try:
        done = cluster.nodes[0].operator("reindex", f"--set=search.url={cluster.settings['search.url']}")
        assert done.returncode == 0, done.stderr
    finally:
        stop.set()
        looker.join()
    assert len(answers) > 3
    assert not [answer for answer in answers if answer[0] != 200 or not answer[1]["data"]["hits"]]
    second = client.say(bob, "octopus second")["message_id"]
    found_everywhere(cluster, bob, "octopus", [second, first])


def test_another_node_takes_over_from_one_that_dies(cluster, opensearch):
    alice, bob = cluster.users(2)
    dying = writer(cluster, opensearch)
    others = [node for node in cluster.nodes if node is not dying]
    client = at(alice, others[0]).connect()
    dying.process.kill()
    began = time.monotonic()
    said = client.say(bob, "kangaroo")["message_id"]
    wait_until(lambda: writer(cluster, opensearch) in others, "another node to write")
    print(f"another node writes after {time.monotonic() - began:.1f} s")
    found_everywhere(cluster, bob, "kangaroo", [said])


def test_what_is_not_its_own_is_refused_at_start(opensearch, tmp_path):
    import http.client

    from harness import Server
    connection = http.client.HTTPConnection("127.0.0.1", opensearch.port)
    connection.request("PUT", "/shop", json.dumps({"mappings": {"properties": {"price": {"type": "long"}}}}), {"Content-Type": "application/json"})
    assert connection.getresponse().read()
    server = Server({"search.url": opensearch.url("shop")}, data_dir=str(tmp_path / "data"))
    with pytest.raises(AssertionError, match="another program's; name one of your own"):
        server.start()


def test_a_certificate_that_nobody_vouches_for_is_refused_at_start(tmp_path):
    import ssl
    import subprocess

    from harness import Server
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=search", "-keyout", tmp_path / "key.pem",
                    "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    def greet(listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                tls.wrap_socket(connection, server_side=True).close()
            except OSError:
                pass  # it does not trust us
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=greet, args=[listener], daemon=True).start()
        server = Server({"search.url": f"https://127.0.0.1:{listener.getsockname()[1]}/simpleim"}, data_dir=str(tmp_path / "data"))
        with pytest.raises(AssertionError, match="search.ca names the authority"):
            server.start()
        listener.shutdown(socket.SHUT_RDWR)
