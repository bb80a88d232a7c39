"""Uploads and downloads, as a client does them."""
import base64
import hashlib
import http.client
import io
import json
import os

from PIL import Image

from . import description
from .client import ApiError


def form(data, name="file.bin", boundary=None, **fields):
    """A multipart body and its Content-Type."""
    boundary = boundary or f"b{os.urandom(8).hex()}"
    name = name if isinstance(name, bytes) else name.encode()
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode() for k, v in fields.items()]
    parts.append(f"--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"".encode() + name
                 + b'"\r\nContent-Type: application/octet-stream\r\n\r\n' + data + f"\r\n--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def request(server, method, path, body=None, headers=None, token=None):
    """Status, headers (lower case) and bytes of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        all_headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, body=body, headers={**all_headers, **(headers or {})}, encode_chunked="Transfer-Encoding" in (headers or {}))
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def try_upload(user, data, name="file.bin", **fields):
    """Status and parsed answer."""
    body, content_type = form(data, name, **fields)
    status, _, text = request(user.server, "POST", "/api/files", body, {"Content-Type": content_type}, user.token)
    answer = json.loads(text)
    description.check("POST", "/api/files", status, answer)
    return status, answer


def upload(user, data, name="file.bin", **fields):
    """The file as the server describes it."""
    status, answer = try_upload(user, data, name, **fields)
    if status != 200:
        raise ApiError(status, answer)
    file = answer["data"]
    return file


def download(user, path, **headers):
    return request(user.server, "GET", path, None, {k.replace("_", "-"): v for k, v in headers.items()}, user.token)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def picture(kind="PNG", size=(64, 48), color=(200, 30, 30), **save):
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, kind, **save)
    return out.getvalue()


class Tus:
    """The tus 1.0 protocol by hand."""

    def __init__(self, user):
        self.user = user

    def call(self, method, path, body=None, **headers):
        headers = {k.replace("_", "-"): str(v) for k, v in headers.items()}
        return request(self.user.server, method, path, body, {"Tus-Resumable": "1.0.0", **headers}, self.user.token)

    def create(self, size, name="big.bin", **metadata):
        pairs = {"filename": name, **metadata}
        header = ",".join(f"{k} {base64.b64encode(str(v).encode()).decode()}" for k, v in pairs.items())
        status, headers, body = self.call("POST", "/api/uploads", Upload_Length=size, Upload_Metadata=header)
        assert status == 201, body
        return headers["location"]

    def offset(self, path):
        status, headers, _ = self.call("HEAD", path)
        assert status == 200, status
        return int(headers["upload-offset"])

    def patch(self, path, offset, data):
        return self.call("PATCH", path, data, Upload_Offset=offset, Content_Type="application/offset+octet-stream")

    def result(self, path):
        return self.user.api("GET", path)
