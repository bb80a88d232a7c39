"""A server process of the test's own: free ports, a temporary folder, ended by its process id."""
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).parents[2]
BINARY = pathlib.Path(os.environ.get("SIMPLEIM_BINARY", ROOT / "build" / "release" / "simpleim"))

# Cheap passwords and no limits, unless a test is about them.
FAST = {
    "auth.argon2_memory_kib": 64,
    "auth.argon2_iterations": 1,
    "limits.logins_per_minute": 0,
    "limits.registrations_per_minute": 0,
    "limits.failed_logins_per_minute": 0,
    "limits.reads_per_minute": 0,
    "limits.writes_per_minute": 0,
    "limits.strangers_per_minute": 0,
    "limits.messages_per_second": 0,
    "server.drain_seconds": 1,
}


_given = set()


def free_port():
    """A port below those that the kernel gives to outgoing connections, so that none takes it; no port twice."""
    while True:
        port = random.randrange(10_000, 32_000)
        if port in _given:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                _given.add(port)
                return port
            except OSError:
                continue


_backends = []


def own_place():
    """Settings of a database and a bucket of one's own on the MariaDB and MinIO that all tests of this process share."""
    from .backends import MariaDb, Minio, Mongo

    if not _backends:
        _backends.extend([MariaDb().start(), Minio().start(), Mongo().start()])
    mariadb, minio, mongo = _backends
    settings = {"store.mysql": mariadb.url(mariadb.new_database()), "files.s3": minio.url(minio.new_bucket())}
    if os.environ["TEST_STORE"] == "mongo":
        settings["store.mongo"] = mongo.url(mongo.new_database())
    return settings


_search = []


def own_index():
    """The URL of an index of one's own on the OpenSearch that all tests of this process share."""
    from .backends import OpenSearch

    if not _search:
        _search.append(OpenSearch().start())
    return _search[0].url(_search[0].new_index())


class Server:
    def __init__(self, settings=None, data_dir=None, wrapper=(), env=None):
        # TEST_SEARCH=opensearch: an index of its own on a shared server. TEST_STORE=mysql or mongo: every test as it is, on the stores of a cluster (messages in this one).
        store = own_place() if os.environ.get("TEST_STORE") else {}
        if os.environ.get("TEST_SEARCH"):
            store["search.url"] = own_index()
        self.settings = {**FAST, **store, **(settings or {})}
        self.own_dir = data_dir is None
        self.data_dir = pathlib.Path(data_dir or tempfile.mkdtemp(prefix="simpleim-test-"))
        self.wrapper = list(wrapper)
        self.env = {**os.environ, **(env or {})}
        self.port = free_port()
        self.admin_port = free_port()
        self.log_path = self.data_dir.parent / (self.data_dir.name + ".log")
        self.process = None

    def command(self):
        flags = ["--data-dir", str(self.data_dir), "--listen", f"127.0.0.1:{self.port}", "--admin-listen", f"127.0.0.1:{self.admin_port}"]
        for key, value in self.settings.items():
            flags += ["--set", f"{key}={value}"]
        return [*self.wrapper, str(BINARY), "serve", *flags]

    def operator(self, *arguments):
        """Runs a subcommand on what this server works on."""
        store = [f"--set={k}={v}" for k, v in self.settings.items() if k.startswith(("store.", "cluster.", "auth.", "files.s3", "search."))]
        return subprocess.run([str(BINARY), *arguments, "--data-dir", str(self.data_dir), *store],
                              capture_output=True, text=True, timeout=30)

    def start(self, wait=True):
        first = self.process is None
        self.launch()
        if not wait:
            return self
        try:
            self.wait_ready()
        except AssertionError:
            # Another program took the port since it was found free. A server that comes back must get its own again.
            if not first or self.process.poll() is None or "Address already in use" not in self.log_text():
                raise
            self.port, self.admin_port = free_port(), free_port()
            self.launch()
            self.wait_ready()
        return self

    def launch(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command(), stderr=self.log, stdout=self.log, env=self.env)

    def wait_ready(self, deadline_s=30):
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log_text()[-2000:]}")
            try:
                if self.get_json("/health")["status"] == "ok":
                    return
            except OSError:
                time.sleep(0.005)
        raise AssertionError("the server did not become ready")

    def get(self, path, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def get_json(self, path):
        return json.loads(self.get(path)[1])

    def metrics(self):
        found = {}
        for line in self.get("/metrics", self.admin_port)[1].decode().splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                found[name] = float(value)
        return found

    def rss_kib(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def log_text(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, deadline_s=20):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(deadline_s)

    def restart(self):
        return self.start()

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        if self.own_dir:
            shutil.rmtree(self.data_dir, ignore_errors=True)
            self.log_path.unlink(missing_ok=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.close()
