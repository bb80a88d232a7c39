"""Search: what is said is found, in every script, by those who may see it (protocol.md section 2)."""
import sqlite3
import time
from urllib.parse import quote

import pytest
from harness import Server, User, new_id, wait_until
from harness.files import picture, upload


def search(user, q, **filters):
    query = "".join(f"&{k}={quote(str(v), safe='')}" for k, v in filters.items())
    return user.api("GET", f"/api/search/messages?q={quote(q, safe='')}{query}")


def texts(user, q, **filters):
    return [h["message"]["content"].get("text") for h in search(user, q, **filters)["hits"]]


def found(user, q, *expected, **filters):
    """Waits until the index has come so far."""
    wait_until(lambda: sorted(texts(user, q, **filters), key=str) == sorted(expected, key=str), f"{q!r} to find {expected}, it finds {texts(user, q, **filters)}")


LONG = "在这个项目里，我们需要先了解具体情况，然后再决定下一步怎么做"


# The failing examples of others: Rocket.Chat #713, Synapse #901, Mattermost #22345, Signal-Desktop #5180.
@pytest.mark.parametrize("said, asked", [
    ("我的爸爸肚子很餓", "爸爸"), ("这是一句中文", "中文"), ("喜歡 is in 我喜歡用signal", "喜歡"), (LONG, "具体情况"), (LONG, "决"), ("好", "好"), ("今日は寿司を食べました", "寿司"),
    ("今日は寿司を食べました", "食べ"), ("東京タワー", "タワー"), ("ﾊﾝｶｸｶﾅ", "ハンカク"), ("ガギグ", "ｶﾞ"), ("안녕하세요 여러분", "여러"), ("한국어", "국어"), ("한국어", "한"),
    ("Grüße aus München", "munchen"), ("STRASSE", "straße"), ("résumé.pdf", "resume"), ("Ｆｕｌｌｗｉｄｔｈ", "fullwidth"), ("Привет, мир", "привет"), ("ΑΘΗΝΑ", "αθήνα"),
    ("สวัสดีครับทุกคน ประชุมพรุ่งนี้", "ทุกคน"), ("สวัสดีครับทุกคน", "ครับ"), ("ນະຄອນຫຼວງວຽງຈັນ", "ວຽງຈັນ"), ("ភាសាខ្មែរពិបាក", "ខ្មែរ"), ("မြန်မာဘာသာစကား", "ဘာသာ"), ("བོད་ཀྱི་སྐད་ཡིག", "སྐད"), ("བོད་ཀྱི་སྐད་ཡིག", "སྐད་ཡིག"),
    ("مُحَمَّدٌ رسول", "محمد"), ("محمد", "مُحَمَّد"), ("أَهْلًا وسهلا", "اهلا"), ("مـــحمد", "محمد"), ("שָׁלוֹם עולם", "שלום"), ("नमस्ते दुनिया", "दुनिया"),
    ("v2.10.3 is out", "2.10"), ("v2.10.3 is out", "v2.10"), ("v2.10.3 is out", "10.3"), ("iPhone15Pro", "15"), ("iPhone15Pro", "15pro"), ("10km east", "10"), ("room 4b2c", "2"), ("see RFC6455", "6455"), ("version 2.10", "2.10"), ("第3章", "3"),
    ("deployment finished", "deploy"), ("see RFC6455", "rfc6455"), ("party 🎉 tonight", "🎉"), ("iPhone手机壳", "手机"), ("iPhone手机壳", "iphone"), ("𠮷野家", "𠮷"), ("C++ and C#", "c"),
])
def test_what_others_cannot_find(alice, bob, said, asked):
    alice.connect().say(bob, said)
    found(bob, asked, said)


@pytest.mark.parametrize("said, asked", [
    ("中国文化", "中文"), ("上海自来水来自海上", "海来"), ("deployment", "ploy"), ("catalog", "cat dog"), ("ABC", "a"), ("東京都", "京東"), ("ทุกคน", "คนทุ"), ("สวัสดี", "ดีสวัส"), ("rfc6455", "455"), ("v2.1", "2.10"), ("ދިވެހި", "ދވހ"), ("が", "か"), ("abcd", "ab")])
def test_what_is_not_said_is_not_found(alice, bob, said, asked):
    a = alice.connect()
    a.say(bob, said)
    a.say(bob, "marker 完")
    found(bob, "marker", "marker 完")
    assert texts(bob, asked) == []


def test_all_words_are_needed_and_hits_are_marked(alice, bob):
    a = alice.connect()
    a.say(bob, "The quick brown 狐狸 jumps")
    a.say(bob, "quick but red")
    found(bob, "qui brown", "The quick brown 狐狸 jumps")
    hit = search(bob, "QUICK 狐狸")["hits"][0]
    assert hit["field"] == "text" and hit["highlights"] == [[4, 9], [16, 18]]
    hit = search(bob, "e\u0301 quick")["hits"]
    assert hit == []
    a.say(bob, "👨‍👩‍👧 家庭家庭")
    found(bob, "家庭", "👨‍👩‍👧 家庭家庭")
    assert search(bob, "家庭")["hits"][0]["highlights"] == [[6, 8], [8, 10]]


def test_only_what_one_may_see(alice, bob, carol):
    word = f"canary{time.time_ns()}"
    a = alice.connect()
    a.say(bob, f"{word} private")
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    a.say(group, f"{word} before")
    found(bob, word, f"{word} private", f"{word} before")
    assert search(carol, word) == {"hits": [], "next_cursor": ""}
    alice.api("POST", f"/api/groups/{group}/members", {"user_ids": [carol.id]})
    a.say(group, f"{word} after")
    found(carol, word, f"{word} after")
    alice.api("DELETE", f"/api/groups/{group}/members/{bob.id}")
    assert texts(bob, word) == [f"{word} private"]
    assert bob.api.error("GET", f"/api/search/messages?q={word}&conversation_id=group:{group}") == (404, 40401)
    assert carol.api.error("GET", f"/api/search/messages?q={word}&conversation_id={alice.with_(bob)}") == (404, 40401)


def test_filters(alice, bob, carol):
    a, b = alice.connect(), bob.connect()
    first = a.say(bob, "filter one")
    wait_until(lambda: time.time() * 1000 > first["timestamp"] + 1)  # two messages may have one millisecond
    b.say(alice, "filter two")
    last = a.say(carol, "filter three")
    file = upload(alice, picture(), "filter 图.png")
    for type in (4, 7):
        message_id = new_id()
        a.send({"message_id": message_id, "type": type, "to": bob.id, "content": {"file_id": file["file_id"], **({"text": "filter caption"} if type == 7 else {})}})
        a.expect(type=30, message_id=message_id)
    found(alice, "filter", "filter one", "filter two", "filter three", None, "filter caption")
    assert texts(alice, "filter", conversation_id=alice.with_(carol)) == ["filter three"]
    assert texts(alice, "filter", **{"from": bob.id}) == ["filter two"]
    assert texts(alice, "filter", type=7) == ["filter caption"]
    picture_hit = search(alice, "图", type=4)["hits"][0]
    assert picture_hit["field"] == "file_name" and picture_hit["highlights"] == [[7, 8]]
    assert "filter one" not in texts(alice, "filter", after=first["timestamp"] + 1)
    assert texts(alice, "filter", before=first["timestamp"] + 1) == ["filter one"]
    assert "filter three" in texts(alice, "filter", after=last["timestamp"], before=last["timestamp"] + 1)


def test_pages_have_all_once_newest_first(alice, bob, carol):
    a = alice.connect()
    group = alice.api("POST", "/api/groups", {"name": "g", "member_ids": [bob.id]})["group_id"]
    places = [bob, carol, group]
    for i in range(90):
        a.text(places[i % 3], f"needle {i}", type=1)
    acks = [a.expect(type=30) for _ in range(90)]
    assert len(acks) == 90
    wait_until(lambda: len(search(alice, "needle", limit=50)["hits"]) == 50)

    def pages():
        seen, cursor = [], ""
        while True:
            page = search(alice, "needle", limit=7, cursor=cursor)
            seen += page["hits"]
            cursor = page["next_cursor"]
            if not cursor:
                return seen
    wait_until(lambda: len(pages()) == 90)
    hits = pages()
    assert sorted(h["message"]["content"]["text"] for h in hits) == sorted(f"needle {i}" for i in range(90))
    times = [h["message"]["timestamp"] for h in hits]
    assert times == sorted(times, reverse=True)


def test_recall_and_edit_reach_the_index(alice, bob):
    a = alice.connect()
    gone, changed = a.say(bob, "ephemeral words"), a.say(bob, "misspelt wrods")
    found(bob, "ephemeral", "ephemeral words")
    for frame in ({"type": 32, "content": {"message_id": gone["message_id"]}},
                  {"type": 35, "content": {"message_id": changed["message_id"], "content": {"text": "misspelt words"}}}):
        a.send({"message_id": new_id(), **frame})
        a.expect(type=30)
    assert texts(bob, "ephemeral") == []  # at once, whatever the index says
    found(bob, "words", "misspelt words")
    assert texts(bob, "wrods") == []


def test_the_index_catches_up_after_a_crash_and_is_made_anew():
    with Server() as server:
        alice, bob = User(server), User(server)
        a = alice.connect()
        for i in range(200):
            a.text(bob, f"durable {i}")
        for _ in range(200):
            a.expect(type=30)
        server.kill()
        server.restart()
        wait_until(lambda: len(search(bob, "durable", limit=50)["hits"]) == 50)
        server.stop()
        (server.data_dir / "search.db").write_bytes(b"not a database at all" * 1000)
        server.restart()
        wait_until(lambda: len(search(bob, "durable", limit=50)["hits"]) == 50)
        taken = server.operator("reindex")
        assert taken.returncode != 0 and "in use" in taken.stderr
        server.stop()
        done = server.operator("reindex")
        assert done.returncode == 0 and "200 messages" in done.stdout, done
        server.restart()
        assert len(search(bob, "durable", limit=50)["hits"]) == 50


@pytest.mark.own_index
def test_an_index_that_was_open_when_the_computer_stopped_is_made_anew():
    with Server() as server:
        alice, bob = User(server), User(server)
        alice.connect().text(bob, "before the power went")
        found(bob, "power", "before the power went")
        mark = server.data_dir / "search.db-unsynced"
        assert mark.exists()
        server.kill()
        mark.write_text("another start of the computer\n")
        # What the disk never got: the file opens, and knows nothing.
        with sqlite3.connect(server.data_dir / "search.db") as db:
            db.executescript("UPDATE stretch SET indexed_to = 1000000; DELETE FROM document;")
        db.close()
        server.restart()
        found(bob, "power", "before the power went")
        assert mark.read_text() != "another start of the computer\n"
        server.stop()
        assert not mark.exists()


@pytest.mark.parametrize("q", ['"', '""', "*", "a*", "NEAR(a b)", "col:x", "text:x", "a OR b", "a AND b", "NOT a", "(", ")", "{a}", "^a", "-a", "a+b", "';DROP TABLE words;--",
                               "%", "_", "\\", "a\\\"b", "\u0000a", "words MATCH 'x'", "?1", "a" * 256, "字" * 85, "🎉" * 60, "\u202e", "a\nb", "\x7f", "AND", "OR", "NOT"])
def test_hostile_queries_are_only_words(alice, bob, q):
    status, answer = alice.api.raw("GET", f"/api/search/messages?q={quote(q, safe='')}")
    assert (status, answer["code"]) in ((200, 0), (400, 40002), (400, 40001)), answer
    if status == 200:
        assert answer["data"]["hits"] == []


@pytest.mark.parametrize("query", ["", "q=", "q=" + "a" * 257, "q=a&limit=0", "q=a&from=x", "q=a&type=8", "q=a&type=x", "q=a&before=x",
                                   "q=a&after=-1", "q=a&cursor=x", "q=a&cursor=1.2.x", "q=a&cursor=1.1"])
def test_what_is_wrong_is_said(alice, query):
    assert alice.api.error("GET", f"/api/search/messages?{query}") == (400, 40002)


def test_nothing_to_look_for_finds_nothing_and_what_is_no_conversation_is_not_found(alice):
    assert alice.api("GET", "/api/search/messages?q=%20%21") == {"hits": [], "next_cursor": ""}
    assert alice.api("GET", f"/api/search/messages?q={quote('字' * 256)}")["hits"] == []
    assert alice.api.error("GET", "/api/search/messages?q=a&conversation_id=x") == (404, 40401)
