"""Files through a shared cache (files.public_url): one link for all, kept by nginx, and nothing for who has none."""
import http.client
import pathlib
from urllib.parse import urlsplit

import pytest
from harness import Server, User, free_port, new_id, wait_until
from harness.backends import Backend
from harness.files import picture, upload

ROOT = pathlib.Path(__file__).parents[2]
LINK_S = 3


class Cache(Backend):
    """nginx with deploy/nginx/files-cache.conf in front of a server at this port."""

    name = "files-cache"

    def __init__(self, server_port):
        super().__init__()
        self.server_port = server_port

    def prepare(self):
        conf = (ROOT / "deploy" / "nginx" / "files-cache.conf").read_text().replace("127.0.0.1:8090", f"127.0.0.1:{self.port}")
        conf = conf.replace("127.0.0.1:8080", f"127.0.0.1:{self.server_port}").replace("/var/cache/nginx/simpleim", f"{self.dir}/cache")
        temporary = "".join(f"{kind}_temp_path {self.dir}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.dir / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {self.dir}/pid; error_log stderr warn; events {{}} http {{ access_log off; {temporary} {conf} }}")

    def command(self):
        return ["nginx", "-c", str(self.dir / "nginx.conf")]


@pytest.fixture(scope="module")
def place():
    """A server and the cache that its links name."""
    server = Server({"files.public_link_s": LINK_S})
    cache = Cache(server.port)
    server.settings["files.public_url"] = f"http://127.0.0.1:{cache.port}"
    with server:
        cache.start()
        yield server, cache
        cache.close()


def get(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def link(user, file_id, key="url"):
    [file] = user.api("POST", "/api/files/urls", {"file_ids": [file_id]})["files"]
    return file[key]


def path_of(url):
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def sent(sender, to, data, name="a.bin"):
    """A file that somebody has, and the message that brought it."""
    file = upload(sender, data, name)
    message = new_id()
    client = sender.connect()
    client.send({"message_id": message, "type": 7, "to": to.id, "content": {"file_id": file["file_id"]}})
    client.expect(type=30, message_id=message)
    return file["file_id"], message, client


def fresh(user, file_id):
    """A link with most of its life before it, which is not about to change."""
    import time
    wait_until(lambda: time.time() % LINK_S < 1, "a new window")
    return link(user, file_id)


def test_one_link_for_all_is_kept_by_the_cache(place):
    server, cache = place
    alice, bob = User(server), User(server)
    data = bytes(range(256)) * 400
    file_id, _, _ = sent(alice, bob, data)
    url = fresh(alice, file_id)
    assert url.startswith(f"http://127.0.0.1:{cache.port}/api/files/{file_id}?") and alice.id not in url
    assert link(bob, file_id) == url
    first, second = (get(cache.port, path_of(url), Authorization="Bearer x", Cookie="a=b", Origin="https://elsewhere.example") for _ in range(2))
    assert (first[0], first[1]["x-cache"], second[1]["x-cache"]) == (200, "MISS", "HIT")
    assert first[2] == second[2] == data
    headers = second[1]
    assert headers["cache-control"].startswith("public, max-age=") and headers["cache-control"].endswith(", immutable")
    assert 1 <= int(headers["cache-control"].split("=")[1].split(",")[0]) <= 2 * LINK_S
    assert "vary" not in headers and headers["access-control-allow-origin"] == "*" and headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in headers
    status, headers, part = get(cache.port, path_of(url), Range="bytes=100-199")
    assert (status, headers["x-cache"], part) == (206, "HIT", data[100:200])
    assert headers["content-range"] == f"bytes 100-199/{len(data)}"


def test_without_a_link_there_is_nothing(place):
    server, cache = place
    alice, bob = User(server), User(server)
    file_id, _, _ = sent(alice, bob, b"secret" * 1000)
    url = fresh(bob, file_id)
    assert get(cache.port, path_of(url))[0] == 200
    path, query = path_of(url).split("?")
    later = query.replace("expires=", "expires=9")
    for wrong in (path, f"{path}?{query[:-1]}0" if query[-1] != "0" else f"{path}?{query[:-1]}1", f"{path}?{later}", f"{path}?{query}&user={alice.id}",
                  f"{path}/thumbnail?{query}"):
        status, headers, _ = get(cache.port, wrong)
        assert status in (401, 404) and headers["cache-control"] == "no-store", wrong
        assert headers["x-cache"] == "MISS"
    assert get(cache.port, "/api/users/me", Authorization=f"Bearer {bob.token}")[0] == 404, "files alone"


def test_a_link_ends_and_what_was_kept_of_it_too(place):
    server, cache = place
    alice, bob = User(server), User(server)
    file_id, _, _ = sent(alice, bob, b"for a while" * 100)
    url = fresh(bob, file_id)
    assert get(cache.port, path_of(url))[0] == 200
    wait_until(lambda: get(cache.port, path_of(url))[0] == 401, "the link to end")
    assert get(cache.port, path_of(link(bob, file_id)))[0] == 200, "and there is another one"


def test_a_recall_ends_it_at_the_server_at_once_and_in_the_cache_with_the_link(place):
    server, cache = place
    alice, bob = User(server), User(server)
    file_id, message, client = sent(alice, bob, b"regretted" * 100)
    url = fresh(bob, file_id)
    assert get(cache.port, path_of(url))[0] == 200
    client.send({"message_id": new_id(), "type": 32, "content": {"message_id": message}})
    client.expect(type=30)
    assert get(server.port, path_of(url))[0] == 401
    wait_until(lambda: get(cache.port, path_of(url))[0] == 401, "the cache to forget it")
    assert bob.api("POST", "/api/files/urls", {"file_ids": [file_id]})["files"] == []


def test_what_was_sent_nowhere_has_a_link_of_its_owners_alone(place):
    server, cache = place
    alice = User(server)
    file = upload(alice, b"a draft", "draft.txt")
    assert file["url"].startswith("/api/files/") and f"user={alice.id}" in file["url"]
    assert get(server.port, file["url"])[0] == 200


def test_thumbnails_have_links_of_their_own(place):
    server, cache = place
    alice, bob = User(server), User(server)
    file = upload(alice, picture(), "a.png")
    client = alice.connect()
    client.send({"message_id": new_id(), "type": 4, "to": bob.id, "content": {"file_id": file["file_id"]}})
    client.expect(type=30)
    url = link(bob, file["file_id"], "thumbnail_url")
    status, headers, _ = get(cache.port, path_of(url))
    assert status == 200 and headers["content-type"] == "image/webp"


def test_the_page_may_show_files_from_there(place):
    server, cache = place
    policy = get(server.port, "/")[1]["content-security-policy"]
    assert f"http://127.0.0.1:{cache.port}" in policy


@pytest.mark.parametrize("settings, text", [
    ({"files.public_url": "ftp://cdn.example.org"}, "not a URL of the form"),
    ({"files.public_url": "https://cdn.example.org", "files.s3": "https://a:b@s3.example.org/c", "files.s3_public": "https://s3.example.org"}, "name one"),
])
def test_places_that_make_no_sense_are_refused(settings, text, tmp_path):
    server = Server(settings, data_dir=str(tmp_path / "data"))
    server.port = free_port()
    with pytest.raises(AssertionError, match=text):
        server.start()
