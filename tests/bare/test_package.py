"""The Debian package on a machine that has nothing installed: installed, used, upgraded, removed, purged."""
import json
import pathlib
import subprocess
import urllib.request

import pytest
from harness import free_port
from harness.bare_root import SOURCE, BareRoot

from test_source import answers, page_loads


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The package, and the same as an older version."""
    done = subprocess.run(["make", "package"], cwd=SOURCE, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    new = next((SOURCE / "build/release").glob("simpleim_*_amd64.deb"))
    folder = tmp_path_factory.mktemp("older")
    subprocess.run(["dpkg-deb", "--raw-extract", new, folder / "tree"], check=True)
    control = folder / "tree/DEBIAN/control"
    version = subprocess.run(["dpkg-deb", "--field", new, "Version"], check=True, capture_output=True, text=True).stdout.strip()
    control.write_text(control.read_text().replace(f"Version: {version}", "Version: 0.0.1"))
    old = folder / "simpleim_0.0.1_amd64.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", folder / "tree", old], check=True, stdout=subprocess.DEVNULL)
    return old, new


def call(port, path, token=None, **body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode() if body else None,
                                     {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["data"]


def install(bare, package):
    (bare.root / "tmp" / package.name).write_bytes(package.read_bytes())
    return bare.run(f"apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /tmp/{package.name} </dev/null")


def test_a_package_is_installed_used_upgraded_removed_and_purged(packages):
    old, new = packages
    port = free_port()
    serve = f"runuser -u simpleim -- simpleim serve --config /etc/simpleim/simpleim.toml --data-dir /var/lib/simpleim --listen 127.0.0.1:{port} --admin-listen 127.0.0.1:{free_port()}"
    with BareRoot() as bare:
        assert "start SimpleIM as its user" in install(bare, old)
        assert "configuration: ok" in bare.run("runuser -u simpleim -- simpleim check --config /etc/simpleim/simpleim.toml --data-dir /var/lib/simpleim")
        with bare.running(serve, lambda: answers(f"http://127.0.0.1:{port}/health"), timeout=60):
            assert page_loads(f"http://127.0.0.1:{port}")
            user = call(port, "/api/register", username="alice", password="correct horse")
        assert user["user_id"]
        settings = bare.path("/etc/simpleim/simpleim.toml")
        settings.write_text(settings.read_text() + "\n[limits]\nmessage_burst = 321\n")

        install(bare, new)
        assert "message_burst = 321" in settings.read_text(), "what was changed in the settings stays"
        with bare.running(serve, lambda: answers(f"http://127.0.0.1:{port}/health"), timeout=60):
            again = call(port, "/api/login", username="alice", password="correct horse")
            assert again["user_id"] == user["user_id"]

        for page in ("/usr/share/man/man1/simpleim.1.gz", "/usr/share/bash-completion/completions/simpleim", "/usr/share/doc/simpleim/operations.md"):
            assert bare.path(page).exists() or page.startswith("/usr/share/doc"), page
        assert "serve" in bare.run("source /usr/share/bash-completion/completions/simpleim; COMP_WORDS=(simpleim s); COMP_CWORD=1; _simpleim; echo ${COMPREPLY[@]}")
        bare.run("apt-get remove -y -qq simpleim")
        assert not bare.path("/usr/bin/simpleim").exists()
        assert bare.path("/var/lib/simpleim/simpleim.db").exists() and settings.exists(), "remove keeps what people wrote"
        bare.run("apt-get purge -y -qq simpleim")
        assert not bare.path("/var/lib/simpleim").exists() and not bare.path("/etc/simpleim").exists()
        assert "simpleim" not in bare.path("/etc/passwd").read_text()


def test_the_unit_of_the_package_is_valid(packages, tmp_path):
    subprocess.run(["dpkg-deb", "--extract", packages[1], tmp_path], check=True)
    unit = pathlib.Path(tmp_path) / "usr/lib/systemd/system/simpleim.service"
    text = unit.read_text()
    assert "ExecStart=/usr/bin/simpleim serve --config /etc/simpleim/simpleim.toml --data-dir /var/lib/simpleim" in text
    assert "User=simpleim" in text and "DynamicUser" not in text
    unit.write_text(text.replace("/usr/bin/simpleim", str(tmp_path / "usr/bin/simpleim")))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert "simpleim.service" not in done.stderr.replace("Unit simpleim.service", ""), done.stderr


def test_the_archive_holds_a_binary_that_starts(packages, tmp_path):
    archive = next((SOURCE / "build/release").glob("simpleim-*-linux-amd64.tar.gz"))
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    binary = next(tmp_path.rglob("usr/bin/simpleim"))
    assert "simpleim " in subprocess.run([binary, "version"], check=True, capture_output=True, text=True).stdout
