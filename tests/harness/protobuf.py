"""The frames of proto/simpleim.proto, written and read by Google's own library: what a stranger's client would do."""
import functools
import json
import pathlib
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTO = pathlib.Path(__file__).parents[2] / "proto"
SUBPROTOCOL = "simpleim.v1.proto"
TEXTS, MARKS, ACK, TYPING, ERROR, PRESENCE, SYNC, HEARTBEAT = (0, 1, 2), (31, 37), 30, 33, 34, 50, 60, 99
NAMES = ("message_id", "to", "group_id", "conversation_id")
AMENDMENT = ("version", "edited_at", "recalled_at", "recalled_by")


@functools.cache
def _frame_class():
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["protoc", f"--proto_path={PROTO}", f"--descriptor_set_out={out.name}", "simpleim.proto"], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("simpleim.v1.Frame"))


def _fill(message, content, *keys, optional=()):
    """Puts the content into the message if it has these keys and no other; else says False."""
    if not set(keys) <= set(content) <= {*keys, *optional}:
        return False
    message.SetInParent()
    for key, value in content.items():
        if key == "at_user_ids":
            message.at_user_ids.extend(value)
        else:
            setattr(message, key, value)
    return True


def _is_text(content):
    """What stands in it is what a Text holds; an empty one of these would not come out again."""
    users = content.get("at_user_ids", ["*"])
    return (isinstance(content.get("text"), str) and isinstance(users, list) and users and all(isinstance(user, str) for user in users)
            and isinstance(content.get("reply_to", "m"), str) and content.get("reply_to", "m"))


def _write_content(out, frame, content):
    kind = frame["type"]
    whole = {key: frame.get(key) for key in ("message_id", "timestamp")}
    if kind in TEXTS and _is_text(content):
        return _fill(out.text, content, "text", optional=("at_user_ids", "reply_to"))
    if kind == ACK and "code" not in content and whole.items() <= content.items():
        return _fill(out.ack, {k: v for k, v in content.items() if k not in whole}, "conversation_id", "seq")
    if kind in (ACK, ERROR) and "code" in content:
        rest = {k: v for k, v in content.items() if k != "message_id"}
        return _fill(out.refusal, rest, "code", "error", optional=("retry_after_ms", "ref"))
    if kind in MARKS:
        return _fill(out.mark, content, "conversation_id", "seq")
    if kind == TYPING:
        return _fill(out.typing, content, "conversation_id")
    if kind == PRESENCE:
        return _fill(out.presence, content, "user_id", "online", "last_seen")
    if kind == HEARTBEAT:
        return _fill(out.heartbeat, content, "timestamp")
    if kind == SYNC and set(content) == {"conversations", "has_more"}:
        out.sync.has_more = content["has_more"]
        for conversation in content["conversations"]:
            _fill(out.sync.conversations.add(), conversation, *conversation)
        return True
    return False


def _implied(frame):
    if frame.get("group_id"):
        return f"group:{frame['group_id']}"
    return "private:" + ":".join(sorted((frame.get("from", ""), frame.get("to", ""))))


def to_binary(frame):
    """The Frame of a JSON frame."""
    out = _frame_class()(type=frame["type"], seq=frame.get("seq", 0), timestamp=frame.get("timestamp", 0))
    for name in NAMES:
        setattr(out, name, frame.get(name) or "")
    if frame.get("from", "system") != "system":
        setattr(out, "from", frame["from"])
    if out.to == out.group_id:
        out.to = ""
    if frame.get("version"):
        for key in AMENDMENT:
            if key in frame:
                setattr(out.amendment, key, frame[key])
    content = frame.get("content")
    if content is not None and not _write_content(out, frame, content):
        out.ClearField(out.WhichOneof("content") or "json")
        out.json = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    if frame.get("seq") and frame.get("conversation_id") == _implied(frame):
        out.conversation_id = ""
    if out.WhichOneof("content") in ("mark", "typing") and content["conversation_id"] == frame.get("conversation_id"):
        out.conversation_id = ""
    return out.SerializeToString(deterministic=True)


def _read_content(frame, out):
    which = frame.WhichOneof("content")
    if which == "json":
        return json.loads(frame.json)
    part = getattr(frame, which)
    if which == "text":
        content = {"text": part.text}
        if part.at_user_ids:
            content["at_user_ids"] = list(part.at_user_ids)
        if part.reply_to:
            content["reply_to"] = part.reply_to
        return content
    if which == "refusal":
        content = {"message_id": frame.message_id} if frame.type == ACK else {}
        content |= {"code": part.code, "error": part.error}
        return content | {key: getattr(part, key) for key in ("retry_after_ms", "ref") if getattr(part, key)}
    if which == "sync":
        rows = [{field.name: getattr(one, field.name) for field in one.DESCRIPTOR.fields} for one in part.conversations]
        return {"conversations": rows, "has_more": part.has_more}
    content = {field.name: getattr(part, field.name) for field in part.DESCRIPTOR.fields}
    return content | ({"message_id": frame.message_id, "timestamp": frame.timestamp} if which == "ack" else {})


def to_json(data):
    """The JSON frame of a Frame that the server has sent."""
    frame = _frame_class().FromString(data)
    out = {"type": frame.type, "message_id": frame.message_id, "from": getattr(frame, "from") or "system", "timestamp": frame.timestamp}
    for key in ("to", "group_id", "seq", "conversation_id"):
        if getattr(frame, key):
            out[key] = getattr(frame, key)
    if "to" not in out and "group_id" in out:
        out["to"] = out["group_id"]
    if frame.HasField("amendment"):
        out |= {key: getattr(frame.amendment, key) for key in AMENDMENT if key == "version" or getattr(frame.amendment, key)}
    if frame.WhichOneof("content"):
        out["content"] = _read_content(frame, out)
    if frame.seq and "conversation_id" not in out:
        out["conversation_id"] = _implied(out)
    if frame.WhichOneof("content") in ("mark", "typing") and "conversation_id" not in out:
        out["conversation_id"] = out["content"]["conversation_id"]
    return out
