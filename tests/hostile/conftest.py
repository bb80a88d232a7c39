import pytest
from harness import Server, User


@pytest.fixture
def server():
    with Server() as running:
        yield running
        assert running.process.poll() is None, "the server crashed:\n" + running.log_text()[-2000:]


@pytest.fixture
def alice(server):
    return User(server)


@pytest.fixture
def bob(server):
    return User(server)


@pytest.fixture
def carol(server):
    return User(server)
