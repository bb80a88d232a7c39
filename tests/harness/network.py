"""A network of the test's own, where one node can be cut off from what it stands on."""
import contextlib
import ctypes
import os
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "cannot change the network namespace (root is needed)")


@contextlib.contextmanager
def own_network():
    """Whatever is started inside sees only this loopback; yields an object to cut it with."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.unshare(CLONE_NEWNET))
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield Network()
        finally:
            _check(_libc.setns(before, CLONE_NEWNET))
    finally:
        os.close(before)


class Network:
    def cut(self, address, port):
        """What is sent there is gone, without an answer."""
        subprocess.run(["iptables", "-A", "OUTPUT", "-d", address, "-p", "tcp", "--dport", str(port), "-j", "DROP"], check=True)

    def heal(self):
        subprocess.run(["iptables", "-F", "OUTPUT"], check=True)
