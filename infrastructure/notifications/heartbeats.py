"""Heartbeats that a listener sends to its own queue, as proof that it hears everything.

A queue is in order. So when a heartbeat arrives, everything that came to the queue before it has
arrived, too, and has been recorded, if the listener is the only one and records in order.

Heartbeats are numbered. If one is missing, other messages may be missing: the broker lost them, or
another consumer took them. The same is true if the connection was another one meanwhile.

They go through the exchanges of the services, with a routing key of their own, which only this
queue is bound to: no other consumer gets them.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

INTERVAL = 5.0
"""Seconds between two heartbeats."""
_AWAITED = 1000
"""Number of heartbeats whose return is awaited."""
METHOD = "vigil_heartbeat"
Send = Callable[[str, Mapping[str, Any]], None]
"""Sends a heartbeat through an exchange; raises any error if that failed."""


@dataclass(frozen=True)
class Heard:
    """What the heartbeats prove, in seconds of the process's monotonic clock.

    Attributes:
        until: everything that was sent before has been recorded.
        since: nothing that was sent later is missing.
    """

    until: float
    since: float


class Heartbeats:
    """The heartbeats of a listener: what was sent, and what came back.

    Args:
        me: unique id of the listener.
        exchanges: those that it listens to.
        connection: returns what stands for the present connection of the listener; None: it has
            none, or it cannot be told from another one.
        clock: the monotonic clock.
    """

    def __init__(
        self,
        me: str,
        exchanges: Sequence[str],
        connection: Callable[[], object | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._me = me
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: dict[str, dict[int, float]] = {name: {} for name in exchanges}
        self._numbers = dict.fromkeys(exchanges, 0)
        self._arrived: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._since = float("inf")
        self._last_connection: object | None = None
        self._is_failing = False

    def send(self, send: Send) -> None:
        """Sends a heartbeat through each exchange."""
        for exchange in self._sent:
            with self._lock:
                self._numbers[exchange] += 1
                number = self._numbers[exchange]
                sent = self._sent[exchange]
                sent[number] = self._clock()
                sent.pop(number - _AWAITED, None)
            try:
                send(exchange, {"listener": self._me, "exchange": exchange, "number": number})
            except Exception as error:  # noqa: BLE001 - it proves nothing, and harms nothing
                if not self._is_failing:
                    log.warning("no heartbeats, so models do not stay fresh: %s", error)
                self._is_failing = True
            else:
                self._is_failing = False

    def arrived(self, body: Mapping[str, Any]) -> None:
        """A heartbeat arrived, and everything before it is recorded."""
        told = body.get("args") or {}
        exchange, number = told.get("exchange"), told.get("number")
        if told.get("listener") != self._me or exchange not in self._sent:
            return  # of a listener that ended, or of another one, which will miss it
        with self._lock:
            sent = self._sent[exchange]
            if number not in sent:
                return  # delivered again
            if self._arrived.get(exchange, 0) != number - 1:
                self._since = sent[number]
            self._arrived[exchange] = number
            self._until[exchange] = sent[number]
            self._sent[exchange] = {n: at for n, at in sent.items() if n > number}

    def missed(self) -> None:
        """A message could not be used: what it reported is missing."""
        with self._lock:
            self._since = self._clock()

    def heard(self) -> Heard | None:
        """What is proven; None: nothing."""
        connection = self._connection()
        with self._lock:
            if connection is None or connection is not self._last_connection:
                self._last_connection = connection
                self._since = self._clock()
                self._until.clear()
            if len(self._until) < len(self._sent):
                return None
            return Heard(min(self._until.values()), self._since)


def is_heartbeat(body: Mapping[str, Any]) -> bool:
    """Whether a message is a heartbeat of a listener."""
    return body.get("method") == METHOD
