import pytest
from harness.cluster import Cluster


@pytest.fixture(scope="module")
def cluster():
    with Cluster(3) as running:
        yield running
        for node in running.nodes:
            assert node.process.poll() is None, "a node crashed:\n" + node.log_text()[-2000:]
