"""One node is cut off from what the others still reach: it hears nothing back, not even a refusal."""
import json

import pytest
from harness import wait_until
from harness.cluster import Cluster
from harness.network import own_network

from traffic import Traffic

ADDRESSES = ("127.0.1.1", "127.0.1.2", "127.0.1.3")


@pytest.fixture
def divided():
    """A cluster whose nodes reach the backends by an address each, and the network to cut."""
    with own_network() as network, Cluster(3, addresses=ADDRESSES) as cluster:
        yield cluster, network
        network.heal()


def part(node, name):
    return json.loads(node.get("/ready")[1])["parts"][name]


def test_a_node_without_redis(divided):
    cluster, network = divided
    with Traffic(cluster) as traffic:
        network.cut(ADDRESSES[1], cluster.redis.port)
        wait_until(lambda: part(cluster.nodes[1], "bus") != "ok", "the node to notice")
        traffic.flow(60)
        traffic.flow_for_all()
        network.heal()
        wait_until(lambda: part(cluster.nodes[1], "bus") == "ok", "the bus")
        traffic.flow(60)


def test_a_node_without_mariadb(divided):
    cluster, network = divided
    with Traffic(cluster) as traffic:
        network.cut(ADDRESSES[2], cluster.mariadb.port)
        wait_until(lambda: cluster.nodes[2].get("/ready")[0] == 503, "the node to say so")
        traffic.flow(60)  # the others go on
        assert [n.get("/ready")[0] for n in cluster.nodes] == [200, 200, 503]
        network.heal()
        wait_until(lambda: cluster.nodes[2].get("/ready")[0] == 200, "the node to be ready")
        traffic.flow_for_all()


def test_a_node_without_anything(divided):
    cluster, network = divided
    with Traffic(cluster) as traffic:
        for backend in (cluster.mariadb, cluster.redis, cluster.minio):
            network.cut(ADDRESSES[0], backend.port)
        wait_until(lambda: cluster.nodes[0].get("/ready")[0] == 503, "the node to say so")
        traffic.flow(60)
        network.heal()
        traffic.flow_for_all()


def test_a_line_that_comes_and_goes(divided):
    cluster, network = divided
    with Traffic(cluster) as traffic:
        for _ in range(5):
            network.cut(ADDRESSES[1], cluster.redis.port)
            wait_until(lambda: part(cluster.nodes[1], "bus") != "ok", "the node to notice")
            network.heal()
            wait_until(lambda: part(cluster.nodes[1], "bus") == "ok", "the bus")
            traffic.flow(20)
