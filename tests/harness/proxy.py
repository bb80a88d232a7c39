"""A line between a node and what it stands on, which a test can make worse."""
import socket
import threading
import time


class Proxy:
    """Passes on what comes to `port` to `target` and back.

    `delay_s`: how long each piece stays on its way, either way.
    `answer`: called with each piece that goes to the server; returns None (pass it on), bytes (what comes back instead;
    the server does not get the piece), or CUT (the server gets it, and then both lose the connection).
    `forge`: called with each piece that comes back; returns what arrives instead.
    """

    CUT = object()

    def __init__(self, target):
        self.target = target
        self.delay_s = 0
        self.answer = lambda piece: None
        self.forge = lambda piece: piece
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = set()
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.open |= {near, far}
            threading.Thread(target=self.carry, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, False), daemon=True).start()

    def carry(self, source, sink, to_server):
        try:
            while piece := source.recv(1 << 16):
                if self.delay_s:
                    time.sleep(self.delay_s)
                if not to_server:
                    sink.sendall(self.forge(piece))
                    continue
                said = self.answer(piece)
                if said is None or said is self.CUT:
                    sink.sendall(piece)
                else:
                    source.sendall(said)
                if said is self.CUT:
                    break
        except OSError:
            pass
        self.end(source, sink)

    def end(self, *sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
            with self.lock:
                self.open.discard(s)

    def close(self):
        self.listener.close()
        with self.lock:
            left = list(self.open)
        self.end(*left)
