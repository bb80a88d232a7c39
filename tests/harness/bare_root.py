"""A Debian 12 that has nothing but make, git, curl, certificates and sudo, made from the machine's own package sources: what a
newcomer's machine is. Programs run in it with its files and processes, and this machine's network."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

from .client import wait_until

SOURCE = pathlib.Path(__file__).parents[2]
# Made once a machine; each root is a layer over it.
BASE = pathlib.Path(os.environ.get("BARE_BASE", "/var/tmp/simpleim-bare-base"))
PACKAGES = "make,git,curl,ca-certificates,sudo"
# How this machine reaches the package registries. Nothing else of its environment is taken along.
NETWORK = re.compile(r"^(https?_proxy|no_proxy|GOPROXY|GONOSUMDB|GONOSUMCHECK|GOSUMDB|PIP_(INDEX_URL|CERT|PROXY|TRUSTED_HOST|FIND_LINKS)|npm_config_.*|"
                     r"NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_SSL_CAINFO)$", re.I)
# Where it says so in files, for root and for others.
CONFIGURATION = ["/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs", "/usr/local/share/ca-certificates", "/opt/wheels"]
# Of this machine's things only what the compiler has done already, for sources that are the same.
COMPILER_CACHE = pathlib.Path(os.environ.get("CCACHE_DIR", pathlib.Path.home() / ".cache/ccache"))
AT_HOME = [".npmrc", ".config/go/env", ".config/pip/pip.conf"]


def mirror():
    """The address that this machine has Debian 12 from."""
    for path in [pathlib.Path("/etc/apt/sources.list"), *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*"))]:
        text = path.read_text() if path.is_file() else ""
        for found in (re.search(r"^URIs: *(\S+)\nSuites: *bookworm\b", text, re.M), re.search(r"^deb (?:\[.*?\] )?(\S+) bookworm main", text, re.M)):
            if found:
                return found.group(1)
    raise RuntimeError("no package source of Debian 12 (bookworm) found in /etc/apt")


def copy_into(root, path):
    source, target = pathlib.Path(path), root / str(path).lstrip("/")
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    # What links into folders that the root does not have is copied as what it means.
    subprocess.run(["cp", "-rL", "--remove-destination", "-T", source, target], check=False, stderr=subprocess.DEVNULL)


def make_base():
    if (BASE / "etc/simpleim-bare").exists():
        return
    shutil.rmtree(BASE, ignore_errors=True)
    BASE.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", BASE, mirror()],
                   check=True, stdout=subprocess.DEVNULL, timeout=900)
    for path in CONFIGURATION:
        copy_into(BASE, path)
    for name in AT_HOME:
        if (pathlib.Path.home() / name).exists():
            for home in ("root", "etc/skel"):
                (BASE / home / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(pathlib.Path.home() / name, BASE / home / name)
    for path in pathlib.Path("/etc/apt").rglob("*"):
        if path.is_file() and (re.search(r"roxy|artifact|auth|cert", path.name) or path.name in ("sources.list", "debian.sources")):
            copy_into(BASE, path)
    # As in a container: what a package installs is not started by it.
    (BASE / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
    (BASE / "usr/sbin/policy-rc.d").chmod(0o755)
    subprocess.run(["chroot", BASE, "useradd", "--create-home", "--shell", "/bin/bash", "visitor"], check=True)
    (BASE / "etc/sudoers.d/visitor").write_text("visitor ALL=(ALL) NOPASSWD: ALL\n")
    (BASE / "etc/simpleim-bare").touch()


class BareRoot:
    """A fresh root; `with` takes it away again. Commands run as `user` in his home."""

    def __init__(self, user="root"):
        make_base()
        self.user = user
        self.home = "/root" if user == "root" else f"/home/{user}"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="simpleim-bare-", dir=BASE.parent))
        self.root = self.dir / "root"
        for name in ("root", "upper", "work"):
            (self.dir / name).mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={BASE},upperdir={self.dir}/upper,workdir={self.dir}/work", self.root], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "--lazy", self.root], check=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def clone(self):
        """The sources as of HEAD, in ~/simpleim."""
        target = self.root / self.home.lstrip("/") / "simpleim"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", SOURCE, target], check=True)
        subprocess.run(["chroot", self.root, "chown", "-R", f"{self.user}:", f"{self.home}/simpleim"], check=True)

    def path(self, inside):
        return self.root / inside.lstrip("/")

    def command(self, script, user=None):
        user = user or self.user
        home = "/root" if user == "root" else f"/home/{user}"
        environment = {"CCACHE_DIR": "/mnt/ccache", "HOME": home, "USER": user, "LANG": "C.UTF-8", "TERM": "dumb",
                       "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       **{name: value for name, value in os.environ.items() if NETWORK.match(name)}}
        inside = ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), "bash", "-c", f"cd {home} && {script}"]
        if user != "root":
            inside = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", *inside]
        outer = """set -e
mount -t proc proc "$0/proc"
mount --rbind /sys "$0/sys"
mount --rbind /dev "$0/dev"
mount -t tmpfs tmpfs "$0/run"
mkdir -p "$0/mnt/ccache" "$CACHE" && mount --bind "$CACHE" "$0/mnt/ccache"
exec chroot "$0" "$@"
"""
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "env", f"CACHE={COMPILER_CACHE}", "bash", "-c", outer, self.root, *inside]

    def run(self, script, timeout=900, user=None, check=True):
        """What it printed; of one that fails the end of it is in the error."""
        done = subprocess.run(self.command(script, user), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=timeout)
        if done.returncode != 0:
            print(done.stdout)  # all of it: what failed may stand far in front of the end
        assert not check or done.returncode == 0, f"{script}: ended with {done.returncode}\n{done.stdout[-4000:]}"
        return done.stdout

    @contextlib.contextmanager
    def running(self, script, is_ready, timeout, user=None):
        """Runs it beside the test once `is_ready()`; ends it, and all it started, afterwards."""
        log = self.dir / "log"
        with open(log, "w") as out:
            process = subprocess.Popen(self.command(script, user), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            def ready():
                assert process.poll() is None, f"{script}: ended with {process.returncode}\n{log.read_text(errors='replace')[-4000:]}"
                return is_ready()
            wait_until(ready, script, timeout)
            yield log
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
