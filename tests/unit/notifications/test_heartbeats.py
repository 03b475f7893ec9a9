"""What a listener can prove by the heartbeats that come back to it."""

from collections.abc import Mapping
from typing import Any

from infrastructure.notifications.heartbeats import METHOD, Heard, Heartbeats, is_heartbeat


class Line:
    """Heartbeats through two exchanges, and what is on the way."""

    def __init__(self) -> None:
        self.now = 0.0
        self.connection: object | None = object()
        self.sent: list[Mapping[str, Any]] = []
        self.heartbeats = Heartbeats(
            "me", ["cinder", "nova"], lambda: self.connection, lambda: self.now
        )
        assert self.heartbeats.heard() is None

    def beat(self, at: float) -> list[Mapping[str, Any]]:
        """Sends one through each exchange; returns what is to arrive."""
        self.now = at
        self.sent = []
        self.heartbeats.send(
            lambda _, told: self.sent.append({"method": METHOD, "args": dict(told)})
        )
        return self.sent

    def arrive(self, bodies: list[Mapping[str, Any]]) -> Heard | None:
        for body in bodies:
            assert is_heartbeat(body)
            self.heartbeats.arrived(body)
        return self.heartbeats.heard()


def test_what_came_before_a_heartbeat_is_heard() -> None:
    line = Line()
    assert line.arrive(line.beat(5.0)) == Heard(until=5.0, since=0.0)
    assert line.arrive(line.beat(10.0)) == Heard(until=10.0, since=0.0)


def test_one_exchange_alone_proves_nothing() -> None:
    line = Line()
    assert line.arrive(line.beat(5.0)[:1]) is None
    line.arrive(line.beat(10.0))
    assert line.arrive(line.beat(15.0)[:1]) == Heard(until=10.0, since=10.0)


def test_a_missing_heartbeat_says_that_more_may_be_missing() -> None:
    line = Line()
    line.arrive(line.beat(5.0))
    line.beat(10.0)
    assert line.arrive(line.beat(15.0)) == Heard(until=15.0, since=15.0)


def test_a_heartbeat_that_cannot_be_sent_is_missing() -> None:
    line = Line()
    line.arrive(line.beat(5.0))
    line.now = 10.0

    def refuse(exchange: str, told: Mapping[str, Any]) -> None:
        raise ConnectionError(exchange, told)

    line.heartbeats.send(refuse)
    assert line.arrive(line.beat(15.0)) == Heard(until=15.0, since=15.0)


def test_another_connection_may_have_missed_something() -> None:
    line = Line()
    line.arrive(line.beat(5.0))
    line.connection = object()
    line.now = 8.0
    assert line.arrive(line.beat(10.0)) is None
    assert line.arrive(line.beat(15.0)) == Heard(until=15.0, since=10.0)
    line.connection = None
    assert line.arrive(line.beat(20.0)) is None


def test_a_message_that_could_not_be_used_is_missing() -> None:
    line = Line()
    line.arrive(line.beat(5.0))
    line.now = 7.0
    line.heartbeats.missed()
    assert line.arrive(line.beat(10.0)) == Heard(until=10.0, since=7.0)


def test_repeated_and_foreign_heartbeats_prove_nothing() -> None:
    line = Line()
    first = line.beat(5.0)
    line.arrive(first)
    others = [{"method": METHOD, "args": {**body["args"], "listener": "other"}} for body in first]
    assert line.arrive([*first, *others, {"method": METHOD}]) == Heard(until=5.0, since=0.0)
    assert not is_heartbeat({"event_type": "instance.update"})
