"""Running it: configuration, TLS, health, metrics, logs, the README's walk-through."""
import asyncio
import json
import os
import pathlib
import re
import signal
import ssl
import stat
import subprocess
import sys

import pytest
from harness import BINARY, Api, Server, User, description, wait_until
from websockets.asyncio.client import connect as connect_async

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_walk_through_works_as_written(readme, tmp_path):
    script = re.search(r"<!-- walk-through -->\n```sh\n(.*?)```", (ROOT / readme).read_text(), re.S).group(1)
    with Server() as server:
        path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-eu", "-c", script], env={**os.environ, "SERVER": f"http://127.0.0.1:{server.port}", "PATH": path},
                              capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "acknowledged: {'message_id': 'hello-1'" in done.stdout
    assert "Bob\"}" in done.stdout.splitlines()[-1]


def test_the_configuration_table_is_current():
    done = subprocess.run([ROOT / "scripts" / "write-config-docs.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def refused(*arguments, env=None):
    done = subprocess.run([BINARY, "serve", *arguments], capture_output=True, text=True, timeout=10, env={**os.environ, **(env or {})})
    assert done.returncode == 1, done
    return done.stderr


def test_configuration_errors_name_the_key(tmp_path):
    toml = tmp_path / "c.toml"
    for text, words in (("[limits]\nmesages_per_second=1\n", ["limits.mesages_per_second", "limits.messages_per_second"]), ("[limits]\nmessage_burst=\"x\"\n", ["limits.message_burst"]),
                        ("[limits\n", ["c.toml:1"]), ("[tls]\ncert_file=\"x\"\n", ["tls.key_file"]), ("[session]\npolicy=\"both\"\n", ["session.policy", "multi"])):
        toml.write_text(text)
        error = refused("--config", toml, "--data-dir", tmp_path / "d")
        assert all(word in error for word in words), error
    assert "SIMPLEIM_LIMITS_MESSAGE_BURST" in refused("--data-dir", tmp_path / "d", env={"SIMPLEIM_LIMITS_MESSAGE_BURST": "many"})
    assert "server.listen" in refused("--data-dir", tmp_path / "d", "--listen", "0.0.0.0:0")
    assert "host:port" in refused("--data-dir", tmp_path / "d", "--listen", "127.0.0.1")
    assert "limits.message_burst" in refused("--set", "limits.message_burst=0", "--data-dir", tmp_path / "d")
    assert "cannot listen" in refused("--data-dir", tmp_path / "d", "--listen", "192.0.2.1:1", "--set", "server.allow_plain=true")


# What Kubernetes sets in every pod for a Service called simpleim.
OF_OTHERS = {"SIMPLEIM_PORT": "tcp://10.0.0.1:8080", "SIMPLEIM_SERVICE_HOST": "10.0.0.1", "SIMPLEIM_SERVICE_PORT": "8080", "SIMPLEIM_PORT_8080_TCP_ADDR": "10.0.0.1",
             "SIMPLEIM_SERVICE_PORT_HTTP": "8080", "SIMPLEIM_LIMITS_MESAGE_BURST": "1"}


def test_variables_that_name_no_key_are_a_warning():
    with Server(env=OF_OTHERS) as server:
        for name in OF_OTHERS:
            assert name in server.log_text()
        assert "SIMPLEIM_LIMITS_MESSAGE_BURST" in server.log_text(), "the nearest key"
        checked = subprocess.run([BINARY, "check", "--data-dir", server.data_dir], capture_output=True, text=True, env={**os.environ, **OF_OTHERS})
        assert checked.returncode == 0 and "SIMPLEIM_PORT is not known" in checked.stdout


@pytest.mark.embedded
def test_what_is_written_is_nobody_else_s_to_read(tmp_path):
    loose = ["sh", "-c", 'umask 022; exec "$@"', "_"]
    with Server(wrapper=loose) as server:
        alice = User(server)
        alice.connect().say(User(server), "secret")
        alice.api.raw("POST", "/api/files", b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n', {"Content-Type": "multipart/form-data; boundary=b"})
        for command in (["backup", tmp_path / "backup"], ["restore", tmp_path / "backup", "--data-dir", tmp_path / "restored"],
                        ["user", "add", "eve", "--password", "secret-1", "--data-dir", tmp_path / "made"]):
            where = [] if "--data-dir" in command else ["--data-dir", server.data_dir]
            subprocess.run([*loose, BINARY, *command, *where], check=True, capture_output=True)
        for folder in (server.data_dir, tmp_path / "backup", tmp_path / "restored", tmp_path / "made"):
            for path in [folder, *folder.rglob("*")]:
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_flag_wins_over_environment_over_file(tmp_path):
    toml = tmp_path / "c.toml"
    toml.write_text('[server]\nnode_id="file"\n')
    with Server(wrapper=["env", "SIMPLEIM_SERVER_NODE_ID=environment"]) as server:
        assert server.get_json("/health")["node_id"] == "environment"
    with Server({"server.node_id": "flag"}, wrapper=["env", "SIMPLEIM_SERVER_NODE_ID=environment"]) as server:
        assert server.get_json("/health")["node_id"] == "flag"


@pytest.mark.embedded
def test_files_are_private():
    with Server() as server:
        assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE((server.data_dir / "jwt.key").stat().st_mode) == 0o600


def test_health_ready_stats():
    with Server() as server:
        health = server.get_json("/health")
        assert health["status"] == "ok" and health["node_id"] == "node1" and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", health["time"])
        assert server.get("/ready")[0] == 200
        assert server.get_json("/stats") == {"total_connections": 0, "users_online": 0}
        alice = User(server)
        clients = [alice.connect(device_id=f"d{i}") for i in range(2)]
        assert server.get_json("/stats") == {"total_connections": 2, "users_online": 1}
        for client in clients:
            client.close()
        wait_until(lambda: server.get_json("/stats") == {"total_connections": 0, "users_online": 0}, "nobody is online")


def test_requests_have_a_figure_and_a_line_in_the_log_when_asked_for():
    with Server({"log.requests": "true"}) as server:
        alice = User(server)
        alice.api("GET", "/api/groups/my")
        assert alice.api.error("GET", "/api/groups/group_0000000000001")[0] == 404
        assert server.get("/api/nowhere?secret=word")[0] == 404
        alice.connect()
        text = wait_until(lambda: (found := server.get("/metrics", server.admin_port)[1].decode()) and "/ws" in found and found)
        assert 'simpleim_http_requests_total{method="GET",route="/api/groups/:id",status="404"} 1' in text
        assert 'simpleim_http_requests_total{method="GET",route="/ws",status="101"} 1' in text
        assert 'simpleim_http_requests_total{method="GET",route="*",status="404"} 1' in text
        assert 'simpleim_http_request_seconds_count{method="GET",route="/api/groups/my"} 1' in text
        took = float(re.search(r'simpleim_http_request_seconds_sum\{method="POST",route="/api/login"\} (\S+)', text).group(1))
        assert took > 0 and took != round(took, 3), "finer than milliseconds"
        log = server.log_text()
        line = next(line for line in log.splitlines() if "/api/groups/my" in line)
        assert "GET" in line and "200" in line and "127.0.0.1" in line
        assert "secret=word" not in log and alice.token not in log


def test_metrics_count_what_happened():
    with Server() as server:
        alice, bob = User(server), User(server)
        a, b = alice.connect(), bob.connect()
        for i in range(20):
            a.say(bob, str(i))
            b.expect(type=1)
        a.say("group_0000000000001", "nowhere")
        m = wait_until(lambda: (found := server.metrics()).get("simpleim_deliveries_total", 0) >= 20 and found)
        assert m['simpleim_messages_total{type="1"}'] == 20
        assert m["simpleim_connections"] == 2 and m["simpleim_users_online"] == 2 and m["simpleim_connections_total"] == 2
        assert m["simpleim_refused_total"] == 1
        assert m["simpleim_commit_batch_messages_sum"] == 20 and m["simpleim_commit_seconds_count"] >= 20
        assert m['simpleim_delivery_seconds_bucket{le="+Inf"}'] >= 20
        assert {"simpleim_commit_queue", "simpleim_unarchived_messages", "simpleim_worker_queue", "simpleim_hashing_queue"} <= set(m)
        assert server.get("/metrics")[0] == 404, "not for clients"


def test_json_logs_are_json():
    with Server({"log.format": "json"}) as server:
        server.stop()
        events = [json.loads(line) for line in server.log_text().splitlines()]
        assert [e["message"] for e in events] == ["SimpleIM is ready", "draining", "drained"]
        assert all({"time", "level"} <= set(e) for e in events)


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)


# Not the blocking client of the other tests: it reads and writes one TLS session from two threads, which Python's ssl
# module does not allow before 3.13; under load its handshake hangs about once in 500 times.
async def talk_over_tls(server, trust, alice, bob, renew_certificate):
    urls = [f"wss://127.0.0.1:{server.port}/ws?token={person['token']}" for person in (alice, bob)]
    async with connect_async(urls[0], ssl=trust, compression=None) as a, connect_async(urls[1], ssl=trust, compression=None) as b:
        text = "x" * 15_000
        for i in range(50):
            await a.send(json.dumps({"message_id": f"tls{i}", "type": 1, "to": bob["user_id"], "content": {"text": text}}))
        got = 0
        while got < 50:
            got += json.loads(await asyncio.wait_for(b.recv(), 10))["type"] == 1
        renew_certificate()
        await a.send('{"type":99}')
        while json.loads(await asyncio.wait_for(a.recv(), 10))["type"] != 99:
            pass


def test_tls_and_its_reload(tmp_path):
    certificate(tmp_path, "first")

    def name():
        pem = ssl.get_server_certificate(("127.0.0.1", server.port))
        return subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True).stdout.strip()

    server = Server({"tls.cert_file": tmp_path / "cert.pem", "tls.key_file": tmp_path / "key.pem"})
    server.start(wait=False)
    try:
        wait_until(lambda: "ready" in server.log_text())
        assert "first" in name()
        trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")

        def https(method, path, body=None, token=None):
            import http.client
            c = http.client.HTTPSConnection("127.0.0.1", server.port, context=trust, timeout=10)
            c.request(method, path, body and json.dumps(body), {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})})
            r = c.getresponse()
            assert r.getheader("Strict-Transport-Security")
            return json.loads(r.read())

        people = []
        for who in ("alice", "bob"):
            https("POST", "/api/register", {"username": who, "password": "secret-1"})
            people.append(https("POST", "/api/login", {"username": who, "password": "secret-1"})["data"])
        alice, bob = people
        assert alice["websocket_url"].startswith("wss://")
        asyncio.run(talk_over_tls(server, trust, alice, bob, lambda: (certificate(tmp_path, "second"), server.process.send_signal(signal.SIGHUP), wait_until(lambda: "second" in name(), "the new certificate is served"))))
        (tmp_path / "cert.pem").write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "not reloaded" in server.log_text())
        assert "second" in name(), "the old one stays"
        for old in ("TLSv1", "TLSv1_1"):
            weak = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            weak.check_hostname, weak.verify_mode = False, ssl.CERT_NONE
            weak.minimum_version = weak.maximum_version = getattr(ssl.TLSVersion, old)
            import socket
            with pytest.raises((ssl.SSLError, ConnectionResetError, OSError)), socket.create_connection(("127.0.0.1", server.port)) as s:
                weak.wrap_socket(s)
    finally:
        server.close()


def test_version_and_help():
    assert re.fullmatch(r"simpleim \d+\.\d+\.\d+\n", subprocess.run([BINARY, "version"], capture_output=True, text=True).stdout)
    assert "serve" in subprocess.run([BINARY, "--help"], capture_output=True, text=True).stdout
    assert subprocess.run([BINARY, "nonsense"], capture_output=True).returncode != 0
    targets = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    assert all(f"make {t} " in targets for t in ("build", "run", "test", "bench", "format", "lint", "asan", "tsan", "conformance", "clean"))


@pytest.mark.embedded
def test_a_newer_database_is_refused_and_an_empty_one_is_made():
    import sqlite3
    with Server() as server:
        server.stop()
        sqlite3.connect(server.data_dir / "simpleim.db").execute("PRAGMA user_version=999").connection.commit()
        done = subprocess.run(server.command(), capture_output=True, text=True, timeout=10)
        assert done.returncode == 1 and "newer" in done.stderr


def test_conversation_list_pins_mutes_drafts_and_pages(tmp_path):
    with Server() as server:
        alice = User(server)
        friends = [User(server) for _ in range(7)]
        a = alice.connect()
        for friend in friends:
            a.say(friend, f"hi {friend.name}")
        seen, cursor = [], ""
        while True:
            page = alice.api("GET", f"/api/conversations?limit=3&cursor={cursor}")
            seen += page["conversations"]
            cursor = page["next_cursor"]
            if not cursor:
                break
        stamps = [c["last_message"]["timestamp"] for c in seen]
        assert len(seen) == 7 and stamps == sorted(stamps, reverse=True)
        assert {c["peer"]["user_id"] for c in seen} == {f.id for f in friends}
        conversation = seen[0]["conversation_id"]
        alice.api("PATCH", f"/api/conversations/{conversation}", {"pinned": True, "muted": True, "draft": "未完 draft"})
        alice.api("PATCH", f"/api/conversations/{conversation}", {"muted": False})
        entry = next(c for c in alice.api("GET", "/api/conversations")["conversations"] if c["conversation_id"] == conversation)
        assert (entry["pinned"], entry["muted"], entry["draft"]) == (True, False, "未完 draft")
        for bad in ({"pinned": "yes"}, {"draft": 5}, {"draft": "x" * 20_001}):
            assert alice.api.error("PATCH", f"/api/conversations/{conversation}", bad) == (400, 40002)
        assert alice.api.error("GET", "/api/conversations?cursor=x") == (400, 40002)
        assert Api(server).error("GET", "/api/conversations")[0] == 401


# Every route × somebody without a token: a route that is missing here fails the test.
def test_every_route_but_the_open_ones_wants_a_token():
    source = "".join(p.read_text() for p in (ROOT / "server" / "api").rglob("*.cpp"))
    routes = set(re.findall(r'"(GET|POST|PUT|PATCH|DELETE)", "(/[^"]*)"', source))
    assert len(routes) >= 35
    open_routes = {("POST", "/api/register"), ("POST", "/api/login"), ("POST", "/api/refresh"), ("GET", "/health"), ("GET", "/ready"), ("GET", "/stats"), ("GET", "/metrics"), ("GET", "/api/openapi.json"), ("GET", "/api/server")}
    assert open_routes <= routes
    with Server() as server:
        for method, path in sorted(routes - open_routes):
            concrete = path.replace(":id", "group_0000000000001").replace(":uid", "user_0000000000001")
            assert Api(server).error(method, concrete, {} if method != "GET" else None) == (401, 40101), (method, path)


# Each answer of each test is held against the document, too (harness/description.py).
def test_the_api_description_names_every_route_and_no_other():
    source = "".join(p.read_text() for p in (ROOT / "server" / "api").rglob("*.cpp"))
    served = {(m, re.sub(r":(\w+)", r"{\1}", path)) for m, path in re.findall(r'"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)", "(/[^"]*)"', source)}
    assert description.routes() == served - {("GET", "/metrics")}
    with Server() as server:
        status, document = Api(server).raw("GET", "/api/openapi.json")
        assert status == 200 and document == json.loads(description.DOCUMENT.read_text())
        for method, path in description.routes():
            status, _ = Api(server).raw(method, re.sub(r"\{\w+\}", "x", path), {} if method in ("POST", "PATCH", "PUT") else None)
            assert status != 405, (method, path)
