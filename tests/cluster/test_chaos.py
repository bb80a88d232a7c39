"""Whatever fails while people talk: nothing that was acknowledged is lost, doubled or out of order, and it goes on by
itself. The seed of a run is printed; SEED=n repeats it."""
import json
import time

import pytest
from harness import wait_until
from harness.backends import Nginx
from harness.cluster import Cluster
from harness.files import download, try_upload, upload

from traffic import Traffic


@pytest.fixture
def own_cluster():
    with Cluster(3) as running:
        yield running


def ready(node):
    status, body = node.get("/ready")
    return status == 200


def test_three_nodes_under_load(own_cluster):
    with Traffic(own_cluster) as traffic:
        traffic.flow(600)


def test_nodes_are_killed(own_cluster):
    with Traffic(own_cluster) as traffic:
        for node in own_cluster.nodes * 2:
            node.kill()
            traffic.flow(60)
            node.restart()
            traffic.flow(60)


def test_nodes_are_restarted_one_after_the_other(own_cluster):
    with Traffic(own_cluster) as traffic:
        for node in own_cluster.nodes:
            assert node.stop() == 0
            traffic.flow(60)
            node.restart()
            traffic.flow(60)


@pytest.mark.parametrize("fault", ["kill", "stop", "freeze"])
def test_redis_goes_and_comes_back(own_cluster, fault):
    redis = own_cluster.redis
    with Traffic(own_cluster) as traffic:
        getattr(redis, fault)()
        traffic.flow(60)  # chat goes on
        traffic.flow_for_all()
        if fault == "freeze":
            redis.thaw()
        else:
            redis.start()
        wait_until(lambda: all('"bus":"ok"' in n.get("/ready")[1].decode() for n in own_cluster.nodes), "the bus")
        traffic.flow(60)


def test_redis_forgets_everything(own_cluster):
    with Traffic(own_cluster) as traffic:
        own_cluster.redis.command_line("FLUSHALL")
        own_cluster.redis.command_line("CLIENT", "KILL", "TYPE", "pubsub")
        traffic.flow(120)


@pytest.mark.parametrize("fault", ["kill", "stop", "freeze"])
def test_mariadb_goes_and_comes_back(own_cluster, fault):
    mariadb = own_cluster.mariadb
    with Traffic(own_cluster) as traffic:
        getattr(mariadb, fault)()
        # Nothing is acknowledged now, and the nodes say why.
        wait_until(lambda: not any(ready(n) for n in own_cluster.nodes), "the nodes to say so")
        before = traffic.acked
        assert all(n.get_json("/health")["status"] == "ok" for n in own_cluster.nodes)
        # Also who only asks hears that it is for now, whatever his request needs first.
        api = traffic.members[0].user.api
        for method, path in (("GET", f"/api/messages/group/{traffic.group}"), ("GET", "/api/users/me"), ("GET", "/api/uploads/0123")):
            assert api.error(method, path) == (503, 50301), path
        status, answer = try_upload(traffic.members[0].user, b"meanwhile")
        assert (status, answer["code"]) == (503, 50301), answer
        assert traffic.acked == before
        if fault == "freeze":
            mariadb.thaw()
        else:
            mariadb.start()
        up = time.monotonic()
        traffic.flow_for_all(30)
        print(f"everybody goes on {time.monotonic() - up:.1f} s after it answers again")
        wait_until(lambda: all(ready(n) for n in own_cluster.nodes), "the nodes to be ready")
        traffic.flow(60)


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_mongodb_goes_and_comes_back(fault):
    with Cluster(3, mongo=True) as cluster, Traffic(cluster) as traffic:
        traffic.flow(30)
        getattr(cluster.mongo, fault)()
        wait_until(lambda: not any(ready(n) for n in cluster.nodes), "the nodes to say so")
        assert all("MongoDB" in parts(n)["store"] for n in cluster.nodes)
        # What does not need the messages goes on.
        assert traffic.members[0].user.api("GET", "/api/users/me")["user_id"] == traffic.members[0].user.id
        cluster.mongo.thaw() if fault == "freeze" else cluster.mongo.start()
        traffic.flow_for_all(30)
        wait_until(lambda: all(ready(n) for n in cluster.nodes), "the nodes to be ready")
        traffic.flow(30)


def test_nodes_are_restarted_behind_a_proxy(own_cluster):
    proxy = Nginx(own_cluster.nodes).start()
    try:
        with Traffic(own_cluster, through=[proxy]) as traffic:
            for node in own_cluster.nodes:
                assert node.stop() == 0
                traffic.flow(60)
                traffic.flow_for_all()
                node.restart()
                traffic.flow(60)
    finally:
        proxy.close()


def parts(node):
    """What the operator's port says: strangers are told no names."""
    return json.loads(node.get("/ready", node.admin_port)[1])["parts"]


@pytest.mark.parametrize("fault", ["kill", "stop", "freeze"])
def test_s3_goes_and_comes_back(own_cluster, fault):
    minio = own_cluster.minio
    with Traffic(own_cluster) as traffic:
        user = traffic.members[0].user
        kept = upload(user, b"before")
        getattr(minio, fault)()
        # Files are refused, in time; everything else goes on.
        began = time.monotonic()
        status, answer = try_upload(user, b"meanwhile")
        assert (status, answer["code"]) == (503, 50301), answer
        assert download(user, kept["url"])[0] == 503
        assert time.monotonic() - began < 20
        traffic.flow(60)
        assert all(ready(n) and parts(n)["files"] != "ok" for n in own_cluster.nodes)
        minio.thaw() if fault == "freeze" else minio.start()
        wait_until(lambda: all(parts(n)["files"] == "ok" for n in own_cluster.nodes), "the files")
        assert download(user, kept["url"])[2] == b"before"
        assert download(user, upload(user, b"after")["url"])[2] == b"after"


def test_a_node_that_hangs_holds_nobody_up(own_cluster):
    import signal

    with Traffic(own_cluster) as traffic:
        for node in own_cluster.nodes:
            node.process.send_signal(signal.SIGSTOP)
            traffic.flow(60)
            traffic.flow_for_all()
            node.process.send_signal(signal.SIGCONT)
            traffic.flow(60)
