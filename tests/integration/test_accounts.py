"""Accounts, sessions and tokens (protocol.md section 2)."""
import base64
import hashlib
import hmac
import json
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import Api, Server, User, wait_until
from websockets.exceptions import InvalidStatus


def test_register_and_login_answer_with_the_contract_s_fields(server):
    created = Api(server)("POST", "/api/register", {"username": "New.User-1", "password": "secret-1", "nickname": "新人"})
    assert set(created) == {"user_id", "username", "nickname"} and created["nickname"] == "新人"
    login = Api(server)("POST", "/api/login", {"username": "new.user-1", "password": "secret-1", "platform": "web", "device_id": "d1", "device_name": "Laptop"})
    assert {"user_id", "username", "nickname", "token", "refresh_token", "expires_at", "device_id", "websocket_url"} <= set(login)
    assert login["device_id"] == "d1" and login["websocket_url"] == f"ws://127.0.0.1:{server.port}/ws"
    assert abs(login["expires_at"] / 1000 - time.time() - 7 * 24 * 3600) < 60


def test_a_username_is_taken_whatever_its_case(server, alice):
    assert Api(server).error("POST", "/api/register", {"username": alice.name.upper(), "password": "secret-1"}) == (409, 40901)


@pytest.mark.parametrize("body, field", [
    ({}, "username"),
    ({"username": "ab", "password": "secret-1"}, "username"),
    ({"username": "a" * 33, "password": "secret-1"}, "username"),
    ({"username": "has space", "password": "secret-1"}, "username"),
    ({"username": "ünïcode", "password": "secret-1"}, "username"),
    ({"username": "x\u0000yz", "password": "secret-1"}, "username"),
    ({"username": ["list"], "password": "secret-1"}, "username"),
    ({"username": {"$ne": None}, "password": "secret-1"}, "username"),
    ({"username": "fine.name", "password": "12345"}, "password"),
    ({"username": "fine.name", "password": "x" * 129}, "password"),
    ({"username": "fine.name", "password": 123456}, "password"),
    ({"username": "fine.name", "password": "secret-1", "nickname": ""}, None),
    ({"username": "fine.name2", "password": "secret-1", "nickname": "x" * 65}, "nickname"),
    ({"username": "fine.name3", "password": "secret-1", "nickname": "a\nb"}, "nickname"),
    ({"username": "fine.name4", "password": "secret-1", "nickname": "   "}, "nickname"),
])
def test_registration_says_which_field_is_wrong(server, body, field):
    status, answer = Api(server).raw("POST", "/api/register", body)
    if field is None:
        assert status == 200
    else:
        assert (status, answer["code"], answer["details"]["field"]) == (400, 40002, field)


def test_password_in_any_script_and_length(server):
    for i, password in enumerate(["密码密码密码", "x" * 128, " spaces around ", "emoji😀😀😀😀😀"]):
        User(server, name=f"pw{i}.{server.port}", password=password)


def test_wrong_password_and_unknown_user_answer_the_same(server, alice):
    api = Api(server)
    wrong = api.raw("POST", "/api/login", {"username": alice.name, "password": "not-it"})
    unknown = api.raw("POST", "/api/login", {"username": "nobody.here", "password": "not-it"})
    assert wrong == unknown and wrong[1]["code"] == 40102


def test_an_unknown_user_costs_as_much_work_as_a_wrong_password():
    # Enough work a hash that it outweighs the rest of a request; compared as a ratio of medians,
    # taken in turns, so that a slow moment hits both.
    with Server({"auth.argon2_memory_kib": 8192, "auth.argon2_iterations": 2}) as server:
        user, api = User(server), Api(server)
        times = {user.name: [], "nobody.here": []}
        for _ in range(25):
            for name, taken in times.items():
                start = time.perf_counter()
                api.error("POST", "/api/login", {"username": name, "password": "not-it"})
                taken.append(time.perf_counter() - start)
        known, unknown = (statistics.median(t) for t in times.values())
        assert 0.5 < known / unknown < 2, (known, unknown)


def refreshed(server, token):
    return Api(server)("POST", "/api/refresh", {"refresh_token": token})


def refused(server, token, why=(401, 40103)):
    assert Api(server).error("POST", "/api/refresh", {"refresh_token": token}) == why


def works(server, token):
    return Api(server, token).raw("GET", "/api/users/me")[0] == 200


def test_a_spent_refresh_token_ends_the_session_once_the_new_access_token_is_used(server, alice):
    client = alice.connect()
    renewed = refreshed(server, alice.refresh_token)
    assert renewed["refresh_token"] != alice.refresh_token
    assert works(server, renewed["token"])
    refused(server, alice.refresh_token)
    assert client.closed() == 4002
    assert Api(server, renewed["token"]).error("GET", "/api/users/me") == (401, 40103)
    refused(server, renewed["refresh_token"])


def test_a_spent_refresh_token_ends_the_session_once_the_new_refresh_token_is_used(server, alice):
    first = refreshed(server, alice.refresh_token)
    second = refreshed(server, first["refresh_token"])
    refused(server, alice.refresh_token)
    assert not works(server, second["token"])


def test_a_spent_refresh_token_ends_the_session_once_a_socket_was_opened_with_the_new_token(server, alice):
    client = alice.connect(token=refreshed(server, alice.refresh_token)["token"])
    refused(server, alice.refresh_token)
    assert client.closed() == 4002


def test_a_refresh_whose_answer_was_lost_gets_the_same_answer_again(server, alice):
    first = refreshed(server, alice.refresh_token)
    assert works(server, alice.token), "what is used is not of the answer"
    assert refreshed(server, alice.refresh_token) == first
    assert works(server, first["token"])
    refused(server, alice.refresh_token)


def test_a_lost_answer_is_given_again_after_a_crash():
    with Server() as server:
        alice = User(server)
        first = refreshed(server, alice.refresh_token)
        server.kill()
        server.restart()
        assert refreshed(server, alice.refresh_token) == first
        assert works(server, first["token"])
        server.kill()
        server.restart()
        refused(server, alice.refresh_token)
        assert not works(server, first["token"])


def test_a_lost_answer_is_not_given_again_for_ever():
    with Server({"auth.refresh_grace_s": 0}) as server:
        alice = User(server)
        first = refreshed(server, alice.refresh_token)
        refused(server, alice.refresh_token)
        assert not works(server, first["token"])


def test_many_at_once_get_one_answer(server, alice):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: refreshed(server, alice.refresh_token)["token"], range(20)))
    assert len(set(answers)) == 1


def test_a_secret_that_nobody_was_given_ends_nothing(server, alice):
    session, number, code = alice.refresh_token.split(".")
    for guess in (f"{session}.{'0' * 64}", f"{session}.{number}.{'0' * 64}", f"{session}.7.{code}"):
        refused(server, guess, (401, 40101))
    assert works(server, alice.token)


def test_refreshes_that_fail_are_limited_by_address():
    with Server({"limits.logins_per_minute": 5}) as server:
        alice = User(server)
        statuses = [Api(server).raw("POST", "/api/refresh", {"refresh_token": f"session_0000000000001.{i}.{'0' * 64}"})[0] for i in range(20)]
        assert statuses.count(429) >= 15 and set(statuses) == {401, 429}
        assert works(server, alice.token)


def test_tokens_say_whose_they_are(server, alice):
    alice.sign_in(platform="cli", device_id="d7")
    body = alice.token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert (claims["user_id"], claims["username"], claims["platform"], claims["device_id"]) == (alice.id, alice.name, "cli", "d7")


@pytest.mark.parametrize("header", ["Bearer {}", "bearer {}", "BEARER   {}", "{}", " {} "])
def test_a_token_may_stand_in_its_header_in_any_of_these_ways(server, alice, header):
    assert Api(server).raw("GET", "/api/users/me", headers={"Authorization": header.format(alice.token)})[0] == 200


@pytest.mark.parametrize("header", ["Basic {}", "Bearer", "Bearer {} {}", "Token {}", "{}x"])
def test_and_in_no_other(server, alice, header):
    status, answer = Api(server).raw("GET", "/api/users/me", headers={"Authorization": header.format(alice.token, alice.token)})
    assert (status, answer["error"]) == (401, "invalid token")


def test_every_bad_token_is_an_invalid_token(server, alice):
    other = alice.device()
    other.api("POST", "/api/logout")
    for token, code in (("x", 40101), (other.token, 40103), ("", 40101)):
        status, answer = Api(server, token).raw("GET", "/api/users/me")
        assert (status, answer["error"], answer["message"], answer["code"]) == (401, "invalid token", "invalid token", code)
    assert "sign in again" in Api(server, other.token).raw("GET", "/api/users/me")[1]["details"]["reason"]
    with pytest.raises(InvalidStatus) as bad:
        alice.connect(token=other.token)
    assert (bad.value.response.status_code, json.loads(bad.value.response.body)["error"]) == (401, "invalid token")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; Charset=UTF-8", "application/json;charset=utf-8", "APPLICATION/JSON"])
def test_media_types_have_no_case(server, alice, kind):
    status, _ = alice.api.raw("PATCH", "/api/users/me", b'{"bio":"x"}', {"Content-Type": kind})
    assert status == 200


@pytest.mark.parametrize("token", ["", "x", "session_0000000000001.abc", "a.b.c", "session_.", "\u0000", "x" * 5000])
def test_bad_refresh_tokens_are_refused(server, token):
    status, _ = Api(server).raw("POST", "/api/refresh", {"refresh_token": token})
    assert status in (400, 401)


def test_logout_ends_tokens_and_sockets_of_that_session_only(server, alice):
    other = alice.device()
    one, two = alice.connect(), other.connect()
    alice.api("POST", "/api/logout")
    assert one.closed(deadline_s=1) == 4002
    assert alice.api.error("GET", "/api/users/me") == (401, 40103)
    with pytest.raises(InvalidStatus) as refused:
        alice.connect()
    assert refused.value.response.status_code == 401
    two.send({"type": 99, "content": {}})
    two.expect(type=99)


def test_sessions_are_listed_and_revoked(server, alice, bob):
    other = alice.device(platform="ios", device_name="Phone")
    listed = alice.api("GET", "/api/sessions")["sessions"]
    assert len(listed) == 2 and [s["current"] for s in listed].count(True) == 1
    phone = next(s for s in listed if s["name"] == "Phone")
    assert phone["platform"] == "ios" and phone["ip"] == "127.0.0.1" and phone["last_active"] > 0
    assert bob.api.error("DELETE", f"/api/sessions/{phone['session_id']}") == (404, 40401)
    socket_ = other.connect()
    alice.api("DELETE", f"/api/sessions/{phone['session_id']}")
    assert socket_.closed(deadline_s=1) == 4002
    assert other.api.error("GET", "/api/users/me") == (401, 40103)


def test_a_new_password_ends_all_other_sessions(server, alice):
    other = alice.device()
    socket_ = other.connect()
    assert alice.api.error("POST", "/api/users/me/password", {"old_password": "wrong-1", "new_password": "secret-2"}) == (401, 40102)
    assert alice.api.error("POST", "/api/users/me/password", {"old_password": "secret-1", "new_password": "x"}) == (400, 40002)
    alice.api("POST", "/api/users/me/password", {"old_password": "secret-1", "new_password": "secret-2"})
    assert socket_.closed(deadline_s=1) == 4002
    assert alice.api("GET", "/api/users/me")["user_id"] == alice.id
    assert Api(server).error("POST", "/api/login", {"username": alice.name, "password": "secret-1"}) == (401, 40102)
    alice.password = "secret-2"
    alice.sign_in()


def test_profile_is_changed_field_by_field_and_nothing_else_can_be(server, alice):
    changed = alice.api("PATCH", "/api/users/me", {"nickname": "Al 你好", "bio": "line\nline", "user_id": "user_0000000000001", "username": "evil", "disabled": True})
    assert (changed["nickname"], changed["bio"], changed["user_id"], changed["username"]) == ("Al 你好", "line\nline", alice.id, alice.name)
    assert alice.api("PATCH", "/api/users/me", {"bio": ""})["nickname"] == "Al 你好"
    assert alice.api.error("PATCH", "/api/users/me", {"nickname": "x" * 65}) == (400, 40002)


def test_public_profile_and_search_show_no_secrets(server, alice, bob):
    profile = bob.api("GET", f"/api/users/{alice.id}")
    assert set(profile) == {"user_id", "username", "nickname", "bio", "avatar_file_id", "online", "last_seen"}
    assert bob.api.error("GET", "/api/users/user_0000000000001") == (404, 40401)
    assert bob.api.error("GET", "/api/users/nonsense") == (404, 40401)
    alice.api("PATCH", "/api/users/me", {"nickname": f"唯一{alice.name}"})
    found = bob.api("GET", f"/api/users?q={alice.name[:6].upper()}&limit=50")["users"]
    assert alice.id in [u["user_id"] for u in found]
    assert [u["user_id"] for u in bob.api("GET", f"/api/users?q=%E5%94%AF%E4%B8%80{alice.name}")["users"]] == [alice.id]
    assert bob.api("GET", "/api/users?q=%25")["users"] == []
    assert bob.api.error("GET", "/api/users") == (400, 40002)
    assert len(bob.api("GET", "/api/users?q=user&limit=5000")["users"]) <= 50, "more is cut to the most there is"
    assert bob.api.error("GET", "/api/users?q=a&limit=0") == (400, 40002)


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def forged_tokens(server, user):
    """Tokens that must not work, made with everything an attacker may know, and some with the key."""
    key = (server.data_dir / "jwt.key").read_bytes()
    header, payload, signature = user.token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    def make(changes=None, drop=(), alg="HS256", secret=key, digest=hashlib.sha256, **more_header):
        body = {k: v for k, v in {**claims, **(changes or {})}.items() if k not in drop}
        head = b64({"alg": alg, "typ": "JWT", **more_header})
        signed = f"{head}.{b64(body)}"
        mac = b"" if alg.lower() == "none" else hmac.new(secret, signed.encode(), digest).digest()
        return f"{signed}.{b64(mac)}"

    assert Api(server, make()).raw("GET", "/api/users/me")[0] == 200, "the forger's tool works"
    yield from (make(alg=a) for a in ("none", "None", "NONE", "nOnE", ""))
    yield from (make(secret=s) for s in (b"", b"\0" * 32, b"secret", key[:31], key[::-1], key.hex().encode()))
    yield make(alg="HS512", digest=hashlib.sha512)
    yield make(alg="HS384", digest=hashlib.sha384)
    yield from (make(alg=a) for a in ("RS256", "ES256", "PS256", "EdDSA", "hs256"))
    yield from (make({name: value}) for name in ("iss", "aud", "token_use") for value in ("x", "", None, 1, [], {"a": 1}))
    yield from (make(drop=(name,)) for name in ("iss", "aud", "token_use", "sub", "sid", "exp", "iat"))
    now = int(time.time())
    yield from (make({"exp": value}) for value in (now - 1, 0, -1, "9999999999", 1e99, None, True, [], {}, str(now + 99)))
    yield from (make({"iat": value}) for value in ("x", None))
    yield make({"nbf": now + 3600})
    yield from (make({"sub": value}) for value in ("admin", "", None, 1, "user_0000000000001", "' OR 1=1 --", "user_" + "z" * 13))
    yield from (make({"sid": value}) for value in ("x", "", None, 1, "session_0000000000001", "../../etc/passwd"))
    yield from (f"{header}.{b64({**claims, 'sub': 'user_0000000000001'})}.{signature}", f"{header}.{payload}.", f"{header}.{payload}", f".{payload}.{signature}")
    yield from (user.token[:-10], user.token + "x.y", user.token.replace(".", ""), user.refresh_token, "null", "undefined", "[object Object]", "x" * 3000)
    for i in range(0, len(user.token) - 1, 2):
        yield user.token[:i] + ("A" if user.token[i] != "A" else "B") + user.token[i + 1:]


@pytest.mark.embedded
def test_forged_tokens_are_refused_everywhere(server, alice):
    tokens = list(forged_tokens(server, alice))
    assert len(tokens) >= 200
    for i, token in enumerate(tokens):
        status, answer = Api(server).raw("GET", "/api/users/me", headers={"Authorization": f"Bearer {token}"})
        assert status == 401 and answer["code"] in (40101, 40103), (token, status, answer)
        if i % 20 == 0:
            with pytest.raises(InvalidStatus) as refused:
                alice.connect(token=token.replace("\n", ""))
            assert refused.value.response.status_code == 401, token


def test_missing_token_is_invalid_token(server):
    status, answer = Api(server).raw("GET", "/api/users/me")
    assert status == 401 and answer["error"] == "invalid token" and answer["code"] == 40101
    for header in ("", "Bearer", "Basic YTpi", "bearer x"):
        assert Api(server).raw("GET", "/api/users/me", headers={"Authorization": header})[0] == 401


def test_tokens_are_not_in_the_log():
    with Server({"log.level": "debug"}) as server:
        user = User(server)
        user.connect().close()
        Api(server, "forged." + user.token).raw("GET", "/api/users/me")
        server.stop()
        log = server.log_text()
        for secret in (user.token, user.refresh_token, user.password):
            assert secret not in log


def test_the_database_holds_no_usable_secret(server, alice):
    raw = b"".join(p.read_bytes() for p in server.data_dir.iterdir() if p.name.startswith("simpleim.db"))
    for secret in (alice.token, alice.refresh_token, alice.refresh_token.split(".")[2], alice.password + "\0"):
        assert secret.encode() not in raw


def test_sign_ins_are_limited_by_address():
    with Server({"limits.logins_per_minute": 5, "limits.registrations_per_minute": 2}) as server:
        api = Api(server)
        body = {"username": "alice", "password": "secret-1"}
        statuses = [api.raw("POST", "/api/login", body)[0] for _ in range(7)]
        assert statuses[:5] == [401] * 5 and 429 in statuses[5:]
        assert int(api.last_headers["retry-after"]) >= 1
        statuses = [api.raw("POST", "/api/register", {"username": f"user{i}", "password": "secret-1"})[0] for i in range(3)]
        assert statuses == [200, 200, 429]


def test_a_login_storm_is_bounded_and_leaves_chat_alone():
    with Server({"auth.argon2_memory_kib": 32768, "auth.argon2_iterations": 1}) as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        before = server.rss_kib()

        def login(_):
            try:
                return Api(server).raw("POST", "/api/login", {"username": alice.name, "password": "not-it"})[0]
            except socket.timeout:
                return 0

        with ThreadPoolExecutor(60) as pool:
            storm = [pool.submit(login, i) for i in range(60)]
            for i in range(50):
                a.say(bob, f"during the storm {i}")
                b.expect(type=1)
            peak = server.rss_kib()
            statuses = [s.result() for s in storm]
        assert set(statuses) <= {401, 503}
        assert peak - before < 32768 * 2, "hashes run one at a time"


def test_an_operator_adds_disables_and_resets_users_of_a_running_server():
    with Server() as server:
        def simpleim(*arguments):
            return server.operator("user", *arguments)

        assert simpleim("add", "dora", "--password", "secret-1").returncode == 0
        taken = simpleim("add", "DORA", "--password", "secret-1")
        assert taken.returncode == 1 and "taken" in taken.stderr
        dora = object.__new__(User)
        dora.server, dora.name, dora.password = server, "dora", "secret-1"
        dora.id = dora.sign_in()["user_id"]
        assert simpleim("passwd", "dora", "--password", "secret-2").returncode == 0
        wait_until(lambda: dora.api.raw("GET", "/api/users/me")[0] == 401, "the old session ends")
        dora.password = "secret-2"
        dora.sign_in()
        assert simpleim("disable", "dora").returncode == 0
        wait_until(lambda: dora.api.raw("GET", "/api/users/me")[0] == 401, "the session of a disabled user ends")
        assert Api(server).error("POST", "/api/login", {"username": "dora", "password": "secret-2"}) == (401, 40102)
        assert "dora" in simpleim("list").stdout and "disabled" in simpleim("list").stdout
        assert simpleim("enable", "dora").returncode == 0
        dora.sign_in()
        assert "no user" in simpleim("passwd", "nobody", "--password", "secret-2").stderr
