"""Passwords and addresses: who guesses is slowed down, and nobody else is locked out by it."""
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import BINARY, Api, Server, User, wait_until

PROXY = {"server.trusted_proxies": "127.0.0.0/8"}


def sign_in(server, name, password, address=None, **more):
    headers = {"X-Forwarded-For": address} if address else {}
    return Api(server).raw("POST", "/api/login", {"username": name, "password": password, **more}, headers)[0]


def test_guesses_from_many_addresses_count_together():
    with Server({**PROXY, "limits.failed_logins_per_minute": 5}) as server:
        alice, bob = User(server, "alice"), User(server, "bob")
        statuses = [sign_in(server, "Alice" if i % 2 else "alice", f"guess {i}", f"198.51.100.{i}") for i in range(20)]
        assert statuses[:5] == [401] * 5 and statuses[5:] == [429] * 15
        # Even the right password is not tried for a stranger; he would learn that it is.
        assert sign_in(server, "alice", alice.password, "198.51.100.77") == 429
        # Others, and names that nobody has, are not concerned.
        assert sign_in(server, "bob", bob.password, "198.51.100.1") == 200
        assert [sign_in(server, "nobody", "x", f"198.51.100.{i}") for i in range(7)] == [401] * 5 + [429] * 2


def test_the_owner_is_not_locked_out():
    with Server({**PROXY, "limits.failed_logins_per_minute": 5}) as server:
        alice = User(server, "alice")
        assert sign_in(server, "alice", alice.password, "203.0.113.9", device_id="her-laptop") == 200
        for i in range(10):
            sign_in(server, "alice", f"guess {i}", f"198.51.100.{i}")
        assert sign_in(server, "alice", alice.password, "198.51.100.200") == 429
        assert sign_in(server, "alice", alice.password, "192.0.2.50", device_id="her-laptop") == 200, "a device she is signed in on"
        assert sign_in(server, "alice", alice.password, "203.0.113.9") == 200, "an address she is signed in from"
        # Whoever knows the name of her device has no more guesses by it.
        assert [sign_in(server, "alice", f"x{i}", "192.0.2.51", device_id="her-laptop") for i in range(7)] == [401] * 5 + [429] * 2


def test_a_sixty_four_is_one_client():
    with Server({**PROXY, "limits.logins_per_minute": 3}) as server:
        addresses = [f"2001:db8:0:1::{i:x}" for i in range(1, 9)]
        assert [sign_in(server, f"user{i}", "x", a) for i, a in enumerate(addresses)] == [401] * 3 + [429] * 5
        assert sign_in(server, "user", "x", "2001:db8:0:2::1") == 401


def test_an_address_that_the_client_wrote_itself_is_not_believed():
    """The clients' own network is trusted, as it is when the proxy stands in it."""
    with Server({"server.trusted_proxies": "127.0.0.0/8", "limits.logins_per_minute": 3}) as server:
        statuses = [sign_in(server, f"user{i}", "x", f"198.51.100.{i}, 127.0.0.9") for i in range(8)]
        assert statuses == [401] * 3 + [429] * 5


@pytest.mark.parametrize("form", ["203.0.113.7:{port}", "[2001:db8::1]:{port}"])
def test_an_address_with_a_port_is_an_address(form):
    with Server({**PROXY, "limits.logins_per_minute": 3}) as server:
        assert [sign_in(server, f"user{i}", "x", form.format(port=5000 + i)) for i in range(5)] == [401] * 3 + [429] * 2
        assert sign_in(server, "user", "x", "192.0.2.1") == 401


def test_a_refused_sign_in_waits_for_no_password_hash():
    """Whoever is over the limit stands in no line: others sign in meanwhile."""
    slow = {"auth.argon2_memory_kib": 65536, "auth.argon2_iterations": 3}
    with Server({**PROXY, **slow, "limits.logins_per_minute": 2}) as server:
        bob = User(server, "bob")
        with ThreadPoolExecutor(40) as pool:
            flood = [pool.submit(sign_in, server, f"u{i}", "x", "198.51.100.1") for i in range(200)]
            assert sign_in(server, "bob", bob.password, "198.51.100.2") == 200
            assert sorted(f.result() for f in flood)[-198:] == [429] * 198


def test_a_password_change_undoes_a_sign_in_under_way():
    """The old password is proven while the operator sets a new one: nothing of it may come after."""
    slow = {"auth.argon2_memory_kib": 262144, "auth.argon2_iterations": 6, "auth.hashing_threads": 2}
    with Server(slow) as server:
        alice = User(server, "alice")
        with ThreadPoolExecutor(1) as pool:
            old = pool.submit(Api(server).raw, "POST", "/api/login", {"username": "alice", "password": alice.password})
            fast = [f"--set={k}={v}" for k, v in {"auth.argon2_memory_kib": 64, "auth.argon2_iterations": 1}.items()]
            done = subprocess.run([BINARY, "user", "passwd", "alice", "--password", "another-1", "--data-dir", server.data_dir, *fast], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert not old.done(), "the sign-in was quicker than the operator: the test shows nothing"
            status, answer = old.result()
        assert (status, answer["code"]) == (401, 40102)
        wait_until(lambda: sign_in(server, "alice", "another-1") == 200)
        assert sign_in(server, "alice", alice.password) == 401
