"""One checker for every fault: what was acknowledged is there, once, in one order for everyone."""


class Ledger:
    """What a client did: which ids it sent, what was acknowledged with which seq."""

    def __init__(self):
        self.sent = {}
        self.acked = {}

    def acknowledge(self, message_id, conversation_id, seq):
        before = self.acked.setdefault(message_id, (conversation_id, seq))
        assert before == (conversation_id, seq), f"{message_id} was acknowledged as {before}, then as {(conversation_id, seq)}"


def whole_history(api, path):
    """All messages of a conversation by after_seq pages."""
    messages, after = [], 0
    while True:
        page = api("GET", f"{path}?limit=200&after_seq={after}")
        messages += page["messages"]
        if not page["has_more"]:
            return messages
        after = page["messages"][-1]["seq"]


def check(histories, ledgers):
    """`histories`: conversation_id → list of the same conversation's history as each member reads it."""
    stored = {}
    for conversation_id, readings in histories.items():
        first = readings[0]
        for other in readings[1:]:
            assert other == first, f"members of {conversation_id} read different histories"
        assert [m["seq"] for m in first] == list(range(1, len(first) + 1)), f"{conversation_id} has gaps or repeats"
        for message in first:
            assert message["message_id"] not in stored, f"{message['message_id']} is stored twice"
            stored[message["message_id"]] = (conversation_id, message["seq"])
    sent = {}
    for ledger in ledgers:
        sent.update(ledger.sent)
        for message_id, where in ledger.acked.items():
            assert stored.get(message_id) == where, f"acknowledged {message_id} {where} is {stored.get(message_id)} in history"
    for conversation_id, readings in histories.items():
        for message in readings[0]:
            if message["type"] != 3:
                assert message["message_id"] in sent, f"{message['message_id']} was never sent"
    return len(stored)
