"""What waits for a peer: a state machine against a plain model."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from yosegi.exchange.outbox import Outgoing
from yosegi.exchange.parcel import Refusal
from yosegi.exchange.peer_channel import ACKNOWLEDGE_AFTER, RESEND, Batch, PeerChannel

keys = st.integers(0, 5).map(lambda n: "sha256:" + f"{n:064x}")


class LinkMachine(RuleBasedStateMachine):
    """Nothing is lost on the way, nothing is sent twice within its time, and a topic has one message."""

    def __init__(self) -> None:
        super().__init__()
        self.channel = PeerChannel("demo", "riken")
        self.now = 0.0
        self.topics: dict[str, str] = {}
        self.owed: dict[str, float] = {}
        self.sent: dict[str, float] = {}

    @rule(key=keys, topic=st.integers(0, 2).map(str))
    def post(self, key: str, topic: str) -> None:
        if key in self.topics.values():
            return
        self.sent.pop(self.topics.get(topic, ""), None)
        self.topics[topic] = key
        self.channel.post(Outgoing(key, "demo", "riken", topic, 1))

    @rule(key=keys)
    def peer_acknowledges(self, key: str) -> None:
        known = key in self.topics.values()
        assert self.channel.drop(key) == known
        self.topics = {topic: one for topic, one in self.topics.items() if one != key}
        self.sent.pop(key, None)

    @rule(key=keys)
    def record(self, key: str) -> None:
        self.owed[key] = self.now + ACKNOWLEDGE_AFTER
        self.channel.acknowledge(key, self.now)

    @rule(seconds=st.floats(0, 2 * RESEND))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(arrives=st.booleans())
    def call(self, arrives: bool) -> None:
        due = {key for key in self.topics.values() if self.now - self.sent.get(key, -1e9) >= RESEND}
        batch = self.channel.take(self.now)
        assert {out.id for out in batch.messages} == due
        assert set(batch.acknowledged) == set(self.owed)
        if arrives:
            self.sent |= dict.fromkeys(due, self.now)
            self.owed = {}
        else:
            self.channel.requeue(batch)
            self.sent = {key: at for key, at in self.sent.items() if key not in due}
            self.owed = dict.fromkeys(self.owed, -1e9)

    @invariant()
    def it_knows_whether_there_is_something_to_say(self) -> None:
        expected = any(due <= self.now for due in self.owed.values()) or any(
            self.now - self.sent.get(key, -1e9) >= RESEND for key in self.topics.values()
        )
        assert self.channel.due(self.now) == expected
        assert self.channel.waiting == len(set(self.topics.values()))


TestLink = LinkMachine.TestCase


def test_a_refusal_is_said_until_it_has_arrived() -> None:
    channel = PeerChannel("demo", "riken")
    refusal = Refusal(id="sha256:" + "0" * 64, why="no")
    channel.refuse(refusal)
    batch = channel.take(0.0)
    channel.requeue(batch)
    assert channel.take(1.0).refused == (refusal,)
    assert channel.take(2.0) == Batch()
