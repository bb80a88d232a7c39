"""What the tests drive: a real server process, REST calls, WebSocket clients."""
from .client import Api, ApiError, Client, User, new_id, wait_until
from .server import BINARY, Server, free_port

__all__ = ["BINARY", "Api", "ApiError", "Client", "Server", "User", "free_port", "new_id", "wait_until"]
