"""For schemathesis: what a description cannot say (SCHEMATHESIS_HOOKS)."""
import schemathesis

NUMBERS = {"limit", "last_seq", "after_seq", "type", "before", "after"}


def is_sent(value):
    """An empty text, and what has no members, leaves nothing behind the equals sign."""
    return any(map(is_sent, value.values() if isinstance(value, dict) else value)) if isinstance(value, (dict, list)) else str(value) != ""


@schemathesis.hook
def filter_query(context, query):
    """A cursor is opaque: only one that the server gave is good. A parameter without a value is one that is not there."""
    query = query or {}
    return not query.get("cursor") and all(is_sent(query[name]) for name in NUMBERS & query.keys())


@schemathesis.hook
def filter_case(context, case):
    """Nobody refuses a request for a header that he does not know."""
    return not any(name.lower().startswith("x-schemathesis-unknown") for name in case.headers or {})


@schemathesis.serializer("application/offset+octet-stream")
def tus_part(context, value):
    return value if isinstance(value, bytes) else str(value).encode()
