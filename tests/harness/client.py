"""A user's view of the server: REST calls and WebSocket connections."""
import http.client
import itertools
import json
import os
import time
import uuid
from urllib.parse import quote

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from . import description, protobuf

DEADLINE_S = 30
# How frames travel where a test does not say: json, or protobuf (the suite of that name).
ENCODING = os.environ.get("TEST_ENCODING", "json")
_names = itertools.count()


def new_id():
    """A UUIDv7, as the SDK makes them."""
    ms = time.time_ns() // 1_000_000
    raw = bytearray(ms.to_bytes(6, "big") + os.urandom(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def wait_until(condition, what="the condition", deadline_s=DEADLINE_S):
    """Returns the first true value of `condition`."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"{what} did not come true in {deadline_s} s")


class ApiError(AssertionError):
    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body}")
        self.status = status
        self.body = body
        self.code = body.get("code")


class Api:
    def __init__(self, server, token=None):
        self.server = server
        self.token = token

    def raw(self, method, path, body=None, headers=None):
        """Status and parsed body; `body` bytes go out as they are."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            all_headers = {}
            if self.token:
                all_headers["Authorization"] = f"Bearer {self.token}"
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            if body is not None:
                all_headers["Content-Type"] = "application/json"
            all_headers.update(headers or {})
            connection.request(method, path, body=body, headers=all_headers)
            response = connection.getresponse()
            text = response.read()
            self.last_headers = {k.lower(): v for k, v in response.getheaders()}
            answer = json.loads(text) if text else {}
            description.check(method, path, response.status, answer)
            return response.status, answer
        finally:
            connection.close()

    def __call__(self, method, path, body=None):
        """The data of a success; ApiError otherwise."""
        status, answer = self.raw(method, path, body)
        if status != 200 or answer.get("code") != 0:
            raise ApiError(status, answer)
        return answer["data"]

    def error(self, method, path, body=None):
        """The (status, code) of a refusal, whose shape is checked."""
        status, answer = self.raw(method, path, body)
        assert status >= 400, f"{method} {path} was not refused: {answer}"
        assert answer["code"] // 100 == status, answer
        assert answer["error"] and answer["message"] == answer["error"], answer
        return status, answer["code"]


class User:
    """A registered, signed-in user."""

    def __init__(self, server, name=None, password="secret-1"):
        self.server = server
        self.name = name or f"user{next(_names)}x{os.getpid()}"
        self.password = password
        created = Api(server)("POST", "/api/register", {"username": self.name, "password": password})
        self.id = created["user_id"]
        self.sign_in()

    def sign_in(self, **device):
        data = Api(self.server)("POST", "/api/login", {"username": self.name, "password": self.password, **device})
        self.token, self.refresh_token, self.login = data["token"], data["refresh_token"], data
        self.api = Api(self.server, self.token)
        return data

    def device(self, **device):
        """A second device: a User object of the same account."""
        other = object.__new__(User)
        other.server, other.name, other.password, other.id = self.server, self.name, self.password, self.id
        other.sign_in(**device)
        return other

    def connect(self, **options):
        return Client(self, **options)

    def with_(self, other):
        low, high = sorted([self.id, other.id])
        return f"private:{low}:{high}"

    def history(self, other, **query):
        path = f"/api/messages/private/{other.id}?" + "&".join(f"{k}={v}" for k, v in query.items())
        return self.api("GET", path)

    def group_history(self, group_id, **query):
        return self.api("GET", f"/api/messages/group/{group_id}?" + "&".join(f"{k}={v}" for k, v in query.items()))


class Client:
    """A WebSocket connection; collects what comes while it waits for what a test wants."""

    def __init__(self, user, device_id=None, sync=None, token=None, synced=True, open_timeout=20, encoding=ENCODING, **options):
        self.user = user
        self.is_binary = encoding == "protobuf"
        if self.is_binary:
            options.setdefault("subprotocols", [protobuf.SUBPROTOCOL])
        query = f"token={quote(user.token if token is None else token, safe='')}"
        if device_id:
            query += f"&device_id={device_id}"
        if sync:
            query += f"&sync={sync}"
        self.socket = connect(f"ws://127.0.0.1:{user.server.port}/ws?{query}", max_size=None, open_timeout=open_timeout, compression=None,
                              ping_interval=None, **options)
        self.seen = []
        if synced:
            self.sync_frame = self.expect(type=60)

    def send(self, frame):
        if not isinstance(frame, (str, bytes)):
            frame = protobuf.to_binary(frame) if self.is_binary else json.dumps(frame)
        self.socket.send(frame)

    def receive(self, deadline_s=DEADLINE_S):
        frame = self.socket.recv(timeout=deadline_s)
        assert isinstance(frame, bytes) == self.is_binary, frame
        frame = protobuf.to_json(frame) if self.is_binary else json.loads(frame)
        self.seen.append(frame)
        return frame

    def expect(self, deadline_s=DEADLINE_S, **fields):
        """The next frame with these fields; others are kept in `seen`."""
        end = time.monotonic() + deadline_s
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no frame with {fields}; seen: {self.seen[-5:]}")
            try:
                frame = self.receive(left)
            except TimeoutError:
                continue
            if all(frame.get(k) == v for k, v in fields.items()):
                return frame

    def expect_nothing(self, **fields):
        """Everything that was on its way is here, and nothing of it has these fields."""
        before = len(self.seen)
        self.send({"type": 99, "content": {}})
        self.expect(type=99)
        found = [f for f in self.seen[before:] if all(f.get(k) == v for k, v in fields.items())]
        assert not found, found

    def text(self, to, text="hello", message_id=None, type=1, **content):
        """Sends a text to a user (or a group id) and returns its message id."""
        message_id = message_id or new_id()
        frame = {"message_id": message_id, "type": type, "content": {"text": text, **content}}
        if isinstance(to, User):
            frame["to"] = to.id
        else:
            frame["type"] = 2
            frame["group_id"] = to
        self.send(frame)
        return message_id

    def say(self, to, text="hello", **more):
        """Sends a text, waits for its ACK, and returns the ACK's content."""
        message_id = self.text(to, text, **more)
        return self.expect(type=30, message_id=message_id)["content"]

    def closed(self, deadline_s=DEADLINE_S):
        """Waits for the end; returns the close code."""
        end = time.monotonic() + deadline_s
        try:
            while time.monotonic() < end:
                self.receive(max(0.01, end - time.monotonic()))
        except ConnectionClosed as e:
            return e.rcvd.code if e.rcvd else 1006
        except TimeoutError:
            pass
        raise AssertionError(f"the connection did not close; seen: {self.seen[-5:]}")

    def close(self):
        self.socket.close()
