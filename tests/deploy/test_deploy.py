"""What others run SimpleIM with: each file is read by the program it is for, as far as that needs no engine of its own."""
import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml
from harness import BINARY
from harness.server import free_port
from harness.cluster import Cluster

ROOT = pathlib.Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
HELM = ROOT / "build" / "tools" / "helm"
BACKENDS = ["--set", "backends.mysql=mysql://u:p@db/simpleim", "--set", "backends.redis=redis://r", "--set", "backends.s3=https://k:s@s3/b"]


def run(*words, **more):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=120, **more)


def config_keys():
    """Environment name of every key."""
    return set(re.findall(r"SIMPLEIM_[A-Z0-9_]+", run(BINARY, "config").stdout))


def rendered(*arguments):
    done = run(HELM, "template", "chat", DEPLOY / "helm" / "simpleim", *arguments)
    assert done.returncode == 0, done.stderr
    return {f"{d['kind']}/{d['metadata']['name']}": d for d in yaml.safe_load_all(done.stdout) if d}


@pytest.mark.helm
def test_the_chart_is_clean():
    done = run(HELM, "lint", "--strict", DEPLOY / "helm" / "simpleim", *BACKENDS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.helm
def test_the_chart_makes_nodes_that_start_with_what_it_gives_them(tmp_path):
    objects = rendered(*BACKENDS, "--set", "replicas=5", "--set", "ingress.enabled=true", "--set", "serviceMonitor.enabled=true")
    assert {"StatefulSet/chat", "Service/chat", "Service/chat-nodes", "Ingress/chat", "PodDisruptionBudget/chat",
            "ServiceMonitor/chat", "Secret/chat-backends", "ConfigMap/chat-config", "NetworkPolicy/chat"} == set(objects)
    clients, figures = objects["NetworkPolicy/chat"]["spec"]["ingress"]
    assert "from" not in clients and clients["ports"][0]["port"] == "http"
    assert figures["from"] and figures["ports"][0]["port"] == "metrics"
    pods = objects["StatefulSet/chat"]["spec"]
    assert pods["replicas"] == 5
    container = pods["template"]["spec"]["containers"][0]
    names = {e["name"] for e in container["env"]}
    assert names <= config_keys()
    secret = objects["Secret/chat-backends"]["stringData"]
    values = {e["name"]: secret[e["valueFrom"]["secretKeyRef"]["key"]] for e in container["env"] if "secretKeyRef" in e.get("valueFrom", {})}
    assert values["SIMPLEIM_STORE_MYSQL"] == "mysql://u:p@db/simpleim"
    # The server takes the file and the environment: it fails at the database that is not there, not before.
    config = tmp_path / "simpleim.toml"
    config.write_text(objects["ConfigMap/chat-config"]["data"]["simpleim.toml"])
    values["SIMPLEIM_STORE_MYSQL"] = "mysql://u:p@127.0.0.1:1/simpleim"
    values["SIMPLEIM_SERVER_TRUSTED_PROXIES"] = next(e["value"] for e in container["env"] if e["name"].endswith("PROXIES"))
    done = run(BINARY, "serve", "--config", config, "--data-dir", tmp_path, "--listen", "127.0.0.1:0", env={**os.environ, **values})
    assert done.returncode == 1 and "MySQL, connecting to 127.0.0.1:1" in done.stderr, done.stderr


@pytest.mark.helm
def test_the_chart_says_what_it_needs():
    done = run(HELM, "template", "chat", DEPLOY / "helm" / "simpleim")
    assert done.returncode != 0 and "backends.mysql" in done.stderr
    objects = rendered("--set", "backends.existingSecret=mine")
    assert "Secret/chat-backends" not in objects


@pytest.mark.parametrize("unit", ["simpleim.service", "simpleim@.service"])
def test_a_unit_is_valid_and_confined(unit, tmp_path):
    text = (DEPLOY / "systemd" / unit).read_text().replace("/usr/local/bin/simpleim", str(BINARY))
    path = tmp_path / unit
    path.write_text(text)
    done = run("systemd-analyze", "verify", path, env={**os.environ, "SYSTEMD_LOG_TARGET": "console"})
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    security = run("systemd-analyze", "security", "--offline=true", "--threshold=20", path)
    assert security.returncode == 0, security.stdout[-2000:]
    options = re.search(r"^ExecStart=\S+ (serve .*)$", text, re.M).group(1).replace("%i", "node1")
    helped = run(BINARY, "serve", "--help").stdout
    assert all(option in helped for option in re.findall(r"--[a-z-]+", options))


def test_the_compose_file_is_valid_and_names_what_exists():
    environment = {**os.environ, "MYSQL_PASSWORD": "m", "REDIS_PASSWORD": "r", "S3_PASSWORD": "s", "MONGO_PASSWORD": "o"}
    done = run("docker-compose", "-f", DEPLOY / "docker-compose.yml", "config", env=environment)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert {"node1", "node2", "node3", "nginx", "mysql", "mongo", "redis", "minio"} == set(services)
    for n in (1, 2, 3):
        environment = services[f"node{n}"]["environment"]
        assert environment["SIMPLEIM_SERVER_NODE_ID"] == f"node{n}"
        assert set(environment) <= config_keys()
        assert environment["SIMPLEIM_STORE_MYSQL"] == "mysql://simpleim:m@mysql/simpleim"
        assert environment["SIMPLEIM_STORE_MONGO"] == "mongodb://simpleim:o@mongo/simpleim?authSource=admin"
        assert services[f"node{n}"]["read_only"] and services[f"node{n}"]["cap_drop"] == ["ALL"]
    for name in ("nginx", "mysql", "mongo", "redis", "minio"):
        assert re.search(r":(RELEASE\.)?\d", services[name]["image"]), f"{name} takes whatever is newest"
        assert "ports" not in services[name] or name == "nginx"
        assert set(services[name]["networks"]) == {"front" if name == "nginx" else "back"}


def test_nginx_takes_the_file_that_compose_makes(tmp_path):
    command = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"]["nginx"]["command"][2]
    sed = command.split(" > ")[0].replace("/simpleim.conf", str(DEPLOY / "nginx" / "simpleim.conf"))
    made = run("sh", "-c", sed).stdout
    assert "listen 8080;" in made and made.count("server node") == 3 and "node3:8080" in made
    # Names of that network do not exist here.
    made = re.sub(r"node(\d):8080", r"127.0.0.\1:8080", made)
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ {made} }}")
    done = run("nginx", "-t", "-c", tmp_path / "nginx.conf")
    assert done.returncode == 0, done.stderr


def test_the_image_has_the_libraries_that_the_binary_needs():
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    installed = set(re.search(r"--no-install-recommends \\\n(.*?)&&", dockerfile, re.S).group(1).replace("\\", "").split())
    libraries = re.findall(r"=> (/\S+)", run("ldd", BINARY).stdout)
    assert len(libraries) > 20
    # Every image has these.
    todo, have = sorted(installed | {"libc6", "libgcc-s1"}), set()
    while todo:
        package = todo.pop()
        if package in have:
            continue
        have.add(package)
        depends = run("dpkg-query", "-W", "-f", "${Depends}", package).stdout
        todo += [re.split(r"[ :(]", d.strip())[0] for d in re.split(r"[,|]", depends) if d.strip()]
    missing = set()
    for library in libraries:
        owner = run("dpkg", "-S", os.path.realpath(library)).stdout or run("dpkg", "-S", os.path.realpath(library).replace("/usr/", "/")).stdout
        if owner.split(":")[0] not in have:
            missing.add(owner.split(":")[0] or library)
    assert not missing
    for variable in re.findall(r"SIMPLEIM_[A-Z_]+", dockerfile):
        assert variable in config_keys() or variable.endswith("TLS_CERT_FILE"), variable


def test_the_dashboard_shows_figures_that_exist():
    dashboard = json.loads((DEPLOY / "grafana" / "simpleim.json").read_text())
    with Cluster(1) as cluster:
        alice, bob = cluster.users(2)
        alice.connect().say(bob, "counted")
        text = cluster.nodes[0].get("/metrics", cluster.nodes[0].admin_port)[1].decode()
    published = set(re.findall(r"^# TYPE (\S+)", text, re.M))
    shown = set()
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            shown |= {re.sub(r"_(bucket|sum|count)$", "", name) if re.sub(r"_(bucket|sum|count)$", "", name) in published else name
                      for name in re.findall(r"simpleim_\w+", target["expr"])}
    assert shown and shown <= published, shown - published
    assert published - shown <= {"simpleim_connections_total"}, "figures that nobody sees"


def test_make_deps_starts_the_backends_alone_and_a_node_can_use_them(tmp_path):
    environment = {**os.environ, "CLUSTER_DIR": str(tmp_path / "cluster"), "CLUSTER_BASE": str(free_port())}
    try:
        done = run("make", "deps", cwd=ROOT, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        config = re.search(r"--config (\S+) --node-id (\S+?)'", done.stdout)
        assert "MySQL, Redis, MinIO and MongoDB are ready" in done.stdout
        checked = run(BINARY, "check", "--config", config[1], "--node-id", config[2], "--data-dir", tmp_path / "node")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert not [name for name in os.listdir(tmp_path / "cluster" / "run") if name.startswith(("node", "nginx"))]
    finally:
        run(ROOT / "scripts" / "cluster.sh", "stop", env=environment)


def test_make_up_says_what_to_do_without_docker():
    done = run("make", "up", cwd=ROOT, env={**os.environ, "DOCKER_HOST": "unix:///nowhere"})
    assert done.returncode != 0 and "make cluster" in done.stderr
    targets = run("make", "help", cwd=ROOT).stdout
    assert all(f"make {target} " in targets for target in ("up", "down", "logs", "deps", "cluster", "cluster-stop"))
