"""Fixtures: people who are signed in on the test's server."""
import pytest

from .client import User


@pytest.fixture
def alice(server):
    return User(server)


@pytest.fixture
def bob(server):
    return User(server)


@pytest.fixture
def carol(server):
    return User(server)
