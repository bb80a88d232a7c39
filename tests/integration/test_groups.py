"""Groups: every change is authorised, told by a stored event, and in force at the next message."""
import time

import pytest
from harness import ApiError, Server, User


class Band:
    """A group with an owner, an admin, two members, somebody who left, and a stranger."""

    def __init__(self, server, policy="open", history="since_joined"):
        self.owner, self.admin, self.member, self.second, self.former, self.stranger = (User(server) for _ in range(6))
        made = self.owner.api("POST", "/api/groups", {"name": "Band", "member_ids": [u.id for u in (self.admin, self.member, self.second, self.former)]})
        self.id = made["group_id"]
        self.path = f"/api/groups/{self.id}"
        self.owner.api("PATCH", f"{self.path}/members/{self.admin.id}", {"role": "admin"})
        self.former.api("POST", f"{self.path}/leave")
        self.owner.api("PATCH", self.path, {"join_policy": policy, "history": history})

    def events(self, reader=None):
        page = (reader or self.owner).group_history(self.id, limit=200)
        return [m["content"] for m in page["messages"] if m["type"] == 3]


@pytest.fixture
def band(server):
    return Band(server)


def test_a_new_group_has_its_creator_as_owner_and_tells_all(alice, bob, carol):
    b = bob.connect()
    group = alice.api("POST", "/api/groups", {"name": "团队", "description": "we", "member_ids": [bob.id, bob.id, alice.id]})
    assert (group["owner_id"], group["member_count"], group["role"], group["join_policy"], group["history"]) == (alice.id, 2, "owner", "open", "since_joined")
    event = b.expect(type=3)
    assert event["seq"] == 1 and event["from"] == "system"
    assert event["content"] | {"name": "团队"} == {"event": "created", "group_id": group["group_id"], "operator_id": alice.id, "target_ids": [bob.id], "name": "团队"}
    assert [g["group_id"] for g in bob.api("GET", "/api/groups/my")["groups"]] == [group["group_id"]]
    assert carol.api("GET", "/api/groups/my")["groups"] == []


@pytest.mark.parametrize("body, field", [
    ({}, "name"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"name": 5}, "name"), ({"name": "a\nb"}, "name"),
    ({"name": "g", "description": "x" * 501}, "description"), ({"name": "g", "member_ids": "x"}, "member_ids"),
    ({"name": "g", "member_ids": ["x"]}, "member_ids"), ({"name": "g", "member_ids": [None]}, "member_ids"),
    ({"name": "g", "member_ids": ["user_0000000000001"] * 1001}, "member_ids"),
])
def test_a_group_that_cannot_be_made_says_why(alice, body, field):
    status, answer = alice.api.raw("POST", "/api/groups", body)
    assert (status, answer["code"], answer["details"]["field"]) == (400, 40002, field)


def test_a_group_with_somebody_who_does_not_exist_is_not_made(alice):
    status, answer = alice.api.raw("POST", "/api/groups", {"name": "g", "member_ids": ["user_0000000000001"]})
    assert (status, answer["code"], answer["details"]["field"]) == (404, 40401, "member_ids")


def test_joining_and_leaving_take_effect_at_once(band):
    owner, stranger = band.owner.connect(), band.stranger.connect()
    owner.say(band.id, "before")
    assert band.stranger.api("POST", f"{band.path}/join")["status"] == "joined"
    joined = stranger.expect(type=3)["content"]
    assert joined["event"] == "joined" and joined["target_ids"] == [band.stranger.id]
    owner.say(band.id, "inside")
    assert stranger.expect(type=2)["content"]["text"] == "inside"
    assert stranger.say(band.id, "I am in").get("seq")
    band.stranger.api("POST", f"{band.path}/leave")
    assert stranger.expect(type=3)["content"]["event"] == "left"
    owner.say(band.id, "after")
    stranger.expect_nothing(type=2)
    assert stranger.say(band.id, "still here?")["code"] == 40301
    assert band.stranger.api.error("GET", f"/api/messages/group/{band.id}") == (404, 40401)


def test_a_new_member_sees_what_came_after_he_joined_unless_the_group_shows_all(server):
    for history, expected in (("since_joined", ["after"]), ("all", ["before", "after"])):
        band = Band(server, history=history)
        owner = band.owner.connect()
        owner.say(band.id, "before")
        band.stranger.api("POST", f"{band.path}/join")
        owner.say(band.id, "after")
        texts = [m["content"]["text"] for m in band.stranger.group_history(band.id)["messages"] if m["type"] != 3]
        assert texts == expected


def test_what_newcomers_of_a_new_group_see_is_a_setting():
    with Server({"groups.history": "all"}) as server:
        alice, bob = User(server), User(server)
        group = alice.api("POST", "/api/groups", {"name": "open"})
        assert group["history"] == "all"
        alice.connect().say(group["group_id"], "before")
        bob.api("POST", f"/api/groups/{group['group_id']}/join")
        assert "before" in [m["content"].get("text") for m in bob.group_history(group["group_id"])["messages"]]


def test_rejoining_shows_nothing_of_the_time_away(band):
    owner = band.owner.connect()
    owner.say(band.id, "while away")
    band.former.api("POST", f"{band.path}/join")
    owner.say(band.id, "back again")
    texts = [m["content"]["text"] for m in band.former.group_history(band.id)["messages"] if m["type"] != 3]
    assert texts == ["back again"]


def test_approval_asks_the_admins(server):
    band = Band(server, policy="approval")
    assert band.stranger.api("POST", f"{band.path}/join")["status"] == "requested"
    assert band.stranger.api.error("GET", f"{band.path}/members") == (403, 40301)
    assert [r["user_id"] for r in band.admin.api("GET", f"{band.path}/requests")["requests"]] == [band.stranger.id]
    assert band.member.api.error("GET", f"{band.path}/requests") == (403, 40302)
    assert band.member.api.error("POST", f"{band.path}/members", {"user_ids": [band.stranger.id]}) == (403, 40302)
    assert band.admin.api("POST", f"{band.path}/members", {"user_ids": [band.stranger.id]})["added"] == [band.stranger.id]
    assert band.admin.api("GET", f"{band.path}/requests")["requests"] == []
    assert len(band.stranger.api("GET", f"{band.path}/members")["members"]) == 5


def test_an_invite_only_group_does_not_exist_for_strangers(server):
    band = Band(server, policy="invite")
    absent = band.stranger.api.raw("GET", "/api/groups/group_0000000000001")
    ws = band.stranger.connect()
    for person in (band.stranger, band.former):
        for method, path in (("GET", band.path), ("POST", f"{band.path}/join"), ("GET", f"{band.path}/members"), ("PATCH", band.path), ("DELETE", band.path),
                             ("GET", f"/api/messages/group/{band.id}"), ("POST", f"{band.path}/leave")):
            assert person.api.raw(method, path, {} if method in ("POST", "PATCH") else None) == absent, (method, path)
    missing, hidden = ws.say("group_0000000000001", "x"), ws.say(band.id, "x")
    assert {k: missing[k] for k in ("code", "error")} == {k: hidden[k] for k in ("code", "error")}
    band.owner.api("POST", f"{band.path}/members", {"user_ids": [band.stranger.id]})
    assert ws.say(band.id, "now I can").get("seq")


def test_each_change_is_a_stored_event_with_a_seq(band):
    o = band.owner.api
    o("PATCH", band.path, {"name": "New name"})
    o("PATCH", band.path, {"announcement": "公告"})
    o("PATCH", band.path, {"description": "about"})
    o("POST", f"{band.path}/members", {"user_ids": [band.stranger.id]})
    o("PATCH", f"{band.path}/members/{band.member.id}", {"muted_until": 1})
    o("DELETE", f"{band.path}/members/{band.second.id}")
    o("POST", f"{band.path}/transfer", {"user_id": band.admin.id})
    band.owner.api("POST", f"{band.path}/leave")
    messages = band.admin.group_history(band.id, limit=200)["messages"]
    assert [m["seq"] for m in messages] == list(range(1, len(messages) + 1))
    assert [m["content"]["event"] for m in messages] == ["created", "role", "left", "renamed", "announcement", "updated", "invited", "muted", "kicked", "transferred", "left"]
    group = band.admin.api("GET", band.path)
    assert (group["name"], group["announcement"], group["owner_id"], group["role"], group["member_count"]) == ("New name", "公告", band.admin.id, "owner", 3)


def test_a_kicked_member_hears_it_and_nothing_more(band):
    member, owner = band.member.connect(), band.owner.connect()
    band.admin.api("DELETE", f"{band.path}/members/{band.member.id}")
    assert member.expect(type=3)["content"]["event"] == "kicked"
    owner.say(band.id, "without him")
    member.expect_nothing(type=2)
    assert member.say(band.id, "hello?")["code"] == 40301
    assert band.member.api.error("GET", f"/api/messages/group/{band.id}") == (404, 40401)
    assert band.id not in [c["conversation_id"][6:] for c in band.member.api("GET", "/api/conversations")["conversations"]]


def test_the_muted_cannot_speak_until_then(band):
    member = band.member.connect()
    band.admin.api("PATCH", f"{band.path}/members/{band.member.id}", {"muted_until": int(time.time() * 1000) + 3_600_000})
    refused = member.say(band.id, "mmh")
    assert refused["code"] == 40304 and refused["retry_after_ms"] > 3_000_000
    member.send({"type": 33, "content": {"conversation_id": f"group:{band.id}"}})
    band.owner.connect().expect_nothing(type=33)
    band.admin.api("PATCH", f"{band.path}/members/{band.member.id}", {"muted_until": 0})
    assert member.say(band.id, "ah").get("seq")


def test_mentions_are_counted_and_everyone_is_for_admins(band):
    member, admin = band.member.connect(), band.admin.connect()
    assert member.say(band.id, "all!", at_user_ids=["*"])["code"] == 40302
    first = member.say(band.id, "you", at_user_ids=[band.second.id])["seq"]
    admin.say(band.id, "all!", at_user_ids=["*"])

    def entry(user):
        return next(c for c in user.api("GET", "/api/conversations")["conversations"] if c["conversation_id"] == f"group:{band.id}")

    assert entry(band.second)["mentioned_seq"] == first and entry(band.second)["unread"] == 2
    assert entry(band.owner)["mentioned_seq"] == first + 1
    second = band.second.connect()
    second.send({"type": 31, "content": {"conversation_id": f"group:{band.id}", "seq": first + 1}})
    second.send({"type": 99, "content": {}})
    second.expect(type=99)
    deadline = time.monotonic() + 5
    while entry(band.second)["unread"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (entry(band.second)["mentioned_seq"], entry(band.second)["unread"]) == (0, 0)


def test_members_are_paged(band):
    seen, cursor = [], ""
    while True:
        page = band.member.api("GET", f"{band.path}/members?limit=2&cursor={cursor}")
        seen += page["members"]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert {m["user_id"]: m["role"] for m in seen} == {band.owner.id: "owner", band.admin.id: "admin", band.member.id: "member", band.second.id: "member"}
    assert set(seen[0]) == {"user_id", "username", "nickname", "avatar_file_id", "role", "joined_at", "muted_until"}
    assert band.member.api.error("GET", f"{band.path}/members?cursor=nonsense") == (400, 40002)
    assert band.member.api.error("GET", f"{band.path}/members?limit=0") == (400, 40002)


def test_a_dissolved_group_is_gone_for_all(band):
    member = band.member.connect()
    band.owner.api("DELETE", band.path)
    assert member.expect(type=3)["content"]["event"] == "dissolved"
    for person in (band.owner, band.member):
        assert person.api.error("GET", band.path) == (404, 40401)
        assert person.api.error("GET", f"/api/messages/group/{band.id}") == (404, 40401)
        assert person.api("GET", "/api/groups/my")["groups"] == []
    assert member.say(band.id, "anyone?")["code"] == 40401


ROLES = ["owner", "admin", "member", "former", "stranger"]

# What each role gets for each change of somebody else's membership: target role → actor role → code (0 = done).
KICK = {"member": {"owner": 0, "admin": 0, "member": 40302, "former": 40301, "stranger": 40301},
        "admin": {"owner": 0, "admin": 40002, "member": 40302, "former": 40301, "stranger": 40301},
        "owner": {"owner": 40002, "admin": 40302, "member": 40302, "former": 40301, "stranger": 40301}}
MUTE = {"member": {"owner": 0, "admin": 0, "member": 40302, "former": 40301, "stranger": 40301},
        "admin": {"owner": 0, "admin": 40302, "member": 40302, "former": 40301, "stranger": 40301},
        "owner": {"owner": 40302, "admin": 40302, "member": 40302, "former": 40301, "stranger": 40301}}
PROMOTE = {"member": {"owner": 0, "admin": 40302, "member": 40302, "former": 40301, "stranger": 40301},
           "admin": {"owner": 0, "admin": 40302, "member": 40302, "former": 40301, "stranger": 40301},
           "owner": {"owner": 40002, "admin": 40302, "member": 40302, "former": 40301, "stranger": 40301}}


def attempt(user, method, path, body=None):
    try:
        user.api(method, path, body)
        return 0
    except ApiError as e:
        return e.code


@pytest.mark.parametrize("actor", ROLES)
@pytest.mark.parametrize("target", ["member", "admin", "owner"])
def test_role_matrix(server, actor, target):
    # "second" stands in for a member acting on a member.
    who = {"member": "second"} if target == "member" else {}
    for table, method, body in ((PROMOTE, "PATCH", {"role": "member" if target == "admin" else "admin"}), (MUTE, "PATCH", {"muted_until": 5}), (KICK, "DELETE", None)):
        band = Band(server)
        path = f"{band.path}/members/{getattr(band, target).id}"
        assert attempt(getattr(band, who.get(actor, actor)), method, path, body) == table[target][actor], (method, body)


def test_nobody_makes_himself_more_than_he_is(band):
    for person in (band.member, band.admin):
        assert person.api.error("PATCH", f"{band.path}/members/{person.id}", {"role": "admin"})[1] == 40302
        assert person.api.error("PATCH", f"{band.path}/members/{person.id}", {"role": "owner"})[1] == 40002
        assert person.api.error("POST", f"{band.path}/transfer", {"user_id": person.id})[1] == 40302
    assert band.owner.api.error("POST", f"{band.path}/transfer", {"user_id": band.stranger.id}) == (400, 40002)
    assert band.owner.api.error("POST", f"{band.path}/leave") == (403, 40302)
    assert band.owner.api.error("PATCH", f"{band.path}/members/{band.owner.id}", {"role": "member"}) == (400, 40002)


def test_a_member_may_name_himself(band):
    assert band.member.api("PATCH", f"{band.path}/members/{band.member.id}", {"nickname": "鼓手"})["nickname"] == "鼓手"
    assert band.second.api.error("PATCH", f"{band.path}/members/{band.member.id}", {"nickname": "x"})[1] == 40302


@pytest.mark.embedded
def test_a_group_of_ten_thousand():
    with Server() as server:
        owner = User(server)
        ids = []
        # Straight through the operator's door: ten thousand registrations would only test registration.
        import subprocess
        import sqlite3
        server.stop()
        database = sqlite3.connect(server.data_dir / "simpleim.db")
        base = 2**60
        database.executemany("INSERT INTO user(id, username, username_key, nickname, nickname_key, password_hash, created_at) VALUES(?,?,?,?,?,?,?)",
                             ((base + i, f"many{i}", f"many{i}", f"many{i}", f"many{i}", "!", 1) for i in range(9_998)))
        database.commit()
        database.close()
        server.restart()
        alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

        def user_id(number):
            text = ""
            for _ in range(13):
                text = alphabet[number & 31] + text
                number >>= 5
            return "user_" + text

        ids = [user_id(base + i) for i in range(9_998)]
        second = User(server)
        group = owner.api("POST", "/api/groups", {"name": "all", "member_ids": [second.id]})["group_id"]
        for at in range(0, len(ids), 1000):
            assert len(owner.api("POST", f"/api/groups/{group}/members", {"user_ids": ids[at:at + 1000]})["added"]) == len(ids[at:at + 1000])
        assert owner.api("GET", f"/api/groups/{group}")["member_count"] == 10_000
        o, s = owner.connect(), second.connect()
        for i in range(20):
            o.say(group, str(i))
            assert s.expect(type=2)["content"]["text"] == str(i)
        seen, cursor = set(), ""
        while True:
            page = second.api("GET", f"/api/groups/{group}/members?limit=500&cursor={cursor}")
            seen |= {m["user_id"] for m in page["members"]}
            cursor = page["next_cursor"]
            if not cursor:
                break
        assert len(seen) == 10_000
        owner.api("DELETE", f"/api/groups/{group}")
        assert s.expect(type=3)["content"]["event"] == "dissolved"
