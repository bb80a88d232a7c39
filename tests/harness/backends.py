"""The servers that a cluster stands on, real ones: free ports, temporary folders, ended with the test."""
import atexit
import http.client
import itertools
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .server import ROOT, free_port


class Backend:
    """One program on a port of its own; `addresses`: where it listens, so that each node can have its own."""

    name = ""

    def __init__(self, addresses=("127.0.0.1",)):
        self.addresses = list(addresses)
        self.port = free_port()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"simpleim-{self.name}-"))
        self.process = None
        atexit.register(self.close)

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """Once, before the first start."""

    def start(self):
        if self.process is None:
            self.prepare()
        log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *self.command()], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        end = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{self.name} did not start:\n" + (self.dir / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)
        return self

    def answers(self):
        try:
            socket.create_connection((self.addresses[0], self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(60)

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.dir, ignore_errors=True)


class MariaDb(Backend):
    name = "mariadb"
    _databases = itertools.count(1)

    def __init__(self, addresses=("127.0.0.1",), arguments=()):
        super().__init__(addresses)
        self.arguments = list(arguments)

    def prepare(self):
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={self.dir}/data", "--skip-test-db",
             "--auth-root-authentication-method=normal", "--user=root"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def command(self):
        return ["mariadbd", "--no-defaults", "--user=root", f"--datadir={self.dir}/data", f"--socket={self.dir}/socket",
                f"--port={self.port}", f"--bind-address={','.join(self.addresses)}", "--skip-name-resolve",
                "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", *self.arguments]

    def answers(self):
        return self.query("SELECT 1", check=False).returncode == 0

    def query(self, sql, check=True):
        return subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.dir}/socket", "-uroot", "-N", "-e", sql],
            check=check, capture_output=True, text=True, timeout=30,
        )

    def new_database(self):
        """Its name. Anybody who comes over TCP may use it with the password `p@ss`."""
        name = f"simpleim{next(self._databases)}"
        self.query(f"CREATE DATABASE {name}; CREATE USER IF NOT EXISTS 'simpleim'@'%' IDENTIFIED BY 'p@ss'; "
                   f"GRANT ALL ON {name}.* TO 'simpleim'@'%'")
        return name

    def url(self, database, address=None):
        return f"mysql://simpleim:p%40ss@{address or self.addresses[0]}:{self.port}/{database}"


class Mongo(Backend):
    """A server of MongoDB's protocol, from tests/requirements.txt."""

    name = "mongo"
    _databases = itertools.count(1)

    def command(self):
        return [str(ROOT / ".venv" / "bin" / "secantusd-py"), "--host", self.addresses[0] if len(self.addresses) == 1 else "0.0.0.0",
                "--port", str(self.port), "--storage-path", str(self.dir / "data"), "--sync-on-commit", "--log-level", "WARNING"]

    def new_database(self):
        return f"simpleim{next(self._databases)}"

    def url(self, database, address=None):
        return f"mongodb://{address or self.addresses[0]}:{self.port}/{database}?directConnection=true"


class Minio(Backend):
    """S3; built by scripts/install-go-tool.sh."""

    name = "minio"
    _buckets = itertools.count(1)

    def command(self):
        # Its default name and password: nobody but this machine reaches it.
        return [str(ROOT / "build" / "tools" / "minio"), "server", "--quiet", "--address", f":{self.port}" if len(self.addresses) > 1
                else f"{self.addresses[0]}:{self.port}", "--console-address", f"127.0.0.1:{free_port()}", str(self.dir / "data")]

    def answers(self):
        try:
            connection = http.client.HTTPConnection(self.addresses[0], self.port, timeout=1)
            connection.request("GET", "/minio/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def url(self, bucket, address=None):
        return f"http://minioadmin:minioadmin@{address or self.addresses[0]}:{self.port}/{bucket}"

    def new_bucket(self):
        return f"simpleim-{next(self._buckets)}"


class OpenSearch(Backend):
    """Put together by scripts/install-java-tool.sh."""

    name = "opensearch"
    _indexes = itertools.count(1)
    HOME = ROOT / "build" / "tools" / "opensearch"

    def prepare(self):
        for folder in ("config", "tmp", "plugins"):
            (self.dir / folder).mkdir()
        for folder in ("lib", "modules"):
            (self.dir / folder).symlink_to(self.HOME / folder)
        (self.dir / "config" / "opensearch.yml").write_text(
            f"discovery.type: single-node\nhttp.host: [{', '.join(self.addresses)}]\nhttp.port: {self.port}\ntransport.host: 127.0.0.1\n"
            f"transport.port: {free_port()}\npath.data: {self.dir}/data\npath.logs: {self.dir}/logs\n"
            "cluster.routing.allocation.disk.threshold_enabled: false\n")
        (self.dir / "config" / "log4j2.properties").write_text(
            "status = error\nappender.c.type = Console\nappender.c.name = c\nappender.c.layout.type = PatternLayout\n"
            "appender.c.layout.pattern = %m%n\nrootLogger.level = warn\nrootLogger.appenderRef.c.ref = c\n")

    def command(self):
        # Without JNA it does not look who runs it: in a bare machine tests are root.
        return ["java", "-Xms384m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.security.manager=allow",
                "-Djna.nounpack=true", "-Djna.nosys=true", f"-Dopensearch.path.home={self.dir}", f"-Dopensearch.path.conf={self.dir}/config",
                "-Dopensearch.distribution.type=tar", f"-Djava.io.tmpdir={self.dir}/tmp", "-cp", f"{self.dir}/lib/*",
                "org.opensearch.bootstrap.OpenSearch"]

    def answers(self):
        try:
            connection = http.client.HTTPConnection(self.addresses[0], self.port, timeout=1)
            connection.request("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def url(self, index, address=None):
        return f"http://{address or self.addresses[0]}:{self.port}/{index}"

    def new_index(self):
        return f"simpleim{next(self._indexes)}"


class Nginx(Backend):
    """The proxy of deploy/nginx, in front of these nodes."""

    name = "nginx"

    def __init__(self, nodes):
        super().__init__()
        self.nodes = nodes

    def prepare(self):
        conf = (ROOT / "deploy" / "nginx" / "simpleim.conf").read_text().replace("127.0.0.1:8080", f"127.0.0.1:{self.port}")
        for i, node in enumerate(self.nodes, 1):
            conf = conf.replace(f"127.0.0.1:1808{i} ", f"127.0.0.1:{node.port} ")
        temporary = "".join(f"{kind}_temp_path {self.dir}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.dir / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {self.dir}/pid; error_log stderr warn; events {{}} http {{ access_log off; {temporary} {conf} }}")

    def command(self):
        return ["nginx", "-c", str(self.dir / "nginx.conf")]


class Redis(Backend):
    name = "redis"

    def __init__(self, addresses=("127.0.0.1",), arguments=()):
        super().__init__(addresses)
        self.arguments = list(arguments)

    def command(self):
        return ["redis-server", "--port", str(self.port), "--bind", *self.addresses, "--dir", str(self.dir),
                "--save", "", "--appendonly", "no", "--protected-mode", "no", *self.arguments]

    def answers(self):
        try:
            with socket.create_connection((self.addresses[0], self.port), timeout=1) as s:
                s.settimeout(1)
                s.sendall(b"PING\r\n")
                return s.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def command_line(self, *words):
        return subprocess.run(["redis-cli", "-p", str(self.port), "-h", self.addresses[0], *words],
                              check=True, capture_output=True, text=True, timeout=10).stdout

    def url(self, address=None):
        return f"redis://{address or self.addresses[0]}:{self.port}"


class Sentinel(Redis):
    """Makes a replica of the Redis at this port the master half a second after that one has died."""

    def __init__(self, master_port):
        super().__init__()
        self.master_port = master_port

    def prepare(self):
        (self.dir / "sentinel.conf").write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.dir}\nsentinel monitor main 127.0.0.1 {self.master_port} 1\n"
            "sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n")

    def command(self):
        return ["redis-server", str(self.dir / "sentinel.conf"), "--sentinel"]

    def knows_a_replica(self):
        return "slave0" in self.command_line("INFO", "sentinel") or "slaves=1" in self.command_line("INFO", "sentinel")

    def master(self):
        return int(self.command_line("SENTINEL", "get-master-addr-by-name", "main").split()[1])

    def url(self, address=None):
        return f"redis+sentinel://127.0.0.1:{self.port}/main"
