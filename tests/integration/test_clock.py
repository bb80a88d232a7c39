"""The wall clock steps, as on machines that were asleep or wrong: nobody is signed out, and no conversation runs backwards."""
import glob

import pytest
from harness import Server, User, new_id, wait_until

LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0]


@pytest.fixture
def clock(tmp_path):
    """Seconds by which the server's wall clock is off, written at any time; its monotonic clock goes on."""
    path = tmp_path / "clock"
    path.write_text("+0")
    with Server(env={"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(path), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}) as server:
        yield server, lambda seconds: path.write_text(f"{seconds:+d}")


def stamps(user, other):
    return [m["timestamp"] for m in user.history(other)["messages"]]


def test_a_clock_that_is_set_back_signs_nobody_out(clock):
    server, set_clock = clock
    alice, bob = User(server), User(server)
    client = alice.connect()
    before = client.say(bob, "before")["timestamp"]
    set_clock(-120)
    assert alice.api.raw("GET", "/api/users/me")[0] == 200
    assert User(server, name="carol").api.raw("GET", "/api/users/me")[0] == 200
    after = client.say(bob, "after")["timestamp"]
    assert after == before, "never earlier than the one before it"
    edit = new_id()
    client.send({"message_id": edit, "type": 36, "content": {"message_id": alice.history(bob)["messages"][0]["message_id"], "emoji": "👍", "add": True}})
    assert client.expect(type=30, message_id=edit)["content"]["timestamp"] == before
    server.kill()
    server.restart()  # what the journal brings back knows it, too
    alice.connect().say(bob, "after a crash")
    assert stamps(alice, bob) == [before] * 4
    other = bob.connect().say(User(server, name="dave"), "elsewhere")["timestamp"]
    assert other < before, "one conversation does not hold up the others"
    set_clock(60)
    assert alice.connect().say(bob, "it goes on")["timestamp"] > before
    assert stamps(alice, bob) == sorted(stamps(alice, bob))


def test_a_clock_that_jumps_ahead_ends_what_is_over(clock):
    server, set_clock = clock
    alice = User(server)
    set_clock(8 * 24 * 3600)
    assert alice.api.error("GET", "/api/users/me") == (401, 40103)
    assert wait_until(lambda: alice.sign_in())
