"""Bytes on a socket, for clients that no library would be."""
import select
import socket

UPGRADE = ("GET /ws?token={token}{more} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def plug(server, receive_buffer=None, timeout=10):
    """A connection to the server's port; `receive_buffer` bytes of kernel memory for what is not read."""
    s = socket.socket()
    if receive_buffer is not None:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(timeout)
    s.connect(("127.0.0.1", server.port))
    return s


def upgrade_request(token, **query):
    """The bytes that ask for a WebSocket."""
    return UPGRADE.format(token=token, more="".join(f"&{k}={v}" for k, v in query.items())).encode()


def everything(s):
    """All that comes until the other side ends the connection, a reset included."""
    got = []
    try:
        while piece := s.recv(1 << 16):
            got.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(got)


def send_until_refused(s, piece, at_most):
    """Sends `piece` again and again and stops as soon as the server answers or ends the connection. Bytes sent."""
    sent = 0
    try:
        while sent < at_most and not select.select([s], [], [], 0)[0]:
            s.sendall(piece)
            sent += len(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return sent
