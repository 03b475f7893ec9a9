"""Strikes an installation again and again while rounds of work go on beside."""

import os
import random
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from infrastructure.clock import SystemClock
from tests.faults.crash.installation import ROLES, Installation

APPLIERS = ("applier", "applier#2")
KILLS = int(os.environ.get("VIGIL_TEST_KILLS", "100"))
"""Strikes of the whole suite of a kind."""


@dataclass
class Killer:
    """Strikes something every now and then.

    Runs on the main thread, which NATS servers are tied to.

    Attributes:
        victims: what is struck → how often in relation to the others: a role is killed and started
            again, so are ``appliers`` (both) and ``everything``; ``nats`` and ``nats-store`` are
            lost; ``stopped`` is an applier that stands still until another one takes over.
        pause: seconds between two strikes, at least and at most.
        strikes: when and what.
    """

    installation: Installation
    chance: random.Random
    victims: Mapping[str, int]
    pause: tuple[float, float]
    strikes: list[tuple[datetime, str]] = field(default_factory=list)

    def run(self, until: Callable[[], bool]) -> None:
        """Strikes until a condition holds."""
        while not until():
            time.sleep(self.chance.uniform(*self.pause))
            (victim,) = self.chance.choices(list(self.victims), list(self.victims.values()))
            self.strikes.append((SystemClock().now(), victim))
            self._strike(victim)

    def counts(self) -> Counter[str]:
        """Victim → number of strikes."""
        return Counter(victim for _, victim in self.strikes)

    def _strike(self, victim: str) -> None:
        if victim == "stopped":
            self._stand_still(self.chance.choice(APPLIERS))
        elif victim.startswith("nats"):
            self.installation.lose_nats(store=victim == "nats-store")
        elif victim == "everything":
            for role in ROLES:
                self.installation.kill(role)
            self.installation.lose_nats(store=False)
            self.installation.start()
        else:
            for role in APPLIERS if victim == "appliers" else (victim,):
                self.installation.kill(role)
                time.sleep(self.chance.uniform(0, 0.3))
                self.installation.start(role)

    def _stand_still(self, role: str) -> None:
        """Longer than the heartbeat of a process counts."""
        group = self.installation.group(role)
        os.killpg(group, signal.SIGSTOP)
        time.sleep(self.chance.uniform(3.5, 5.0))
        os.killpg(group, signal.SIGCONT)


@dataclass
class Rounds(ABC):
    """Rounds of work, one after the other, on a thread of their own.

    Attributes:
        exposed: set while strikes are of interest; a round may clear it.
    """

    chance: random.Random
    count: int = field(default=0, init=False)
    failure: BaseException | None = field(default=None, init=False)
    enough: threading.Event = field(default_factory=threading.Event, init=False)
    exposed: threading.Event = field(default_factory=threading.Event, init=False)

    @abstractmethod
    def one(self) -> None:
        """One round; what it finds wrong is an AssertionError."""

    def run(self) -> None:
        """Rounds until there are enough, or one fails."""
        self.exposed.set()
        try:
            while not self.enough.is_set():
                self.one()
                self.count += 1
        except BaseException as failure:  # noqa: BLE001 - reported by the test itself
            self.failure = failure


def struck_through(killer: Killer, rounds: Rounds, kills: int) -> float:
    """Does rounds while the killer strikes so often; returns the seconds that it took."""
    thread, began = threading.Thread(target=rounds.run), time.monotonic()
    thread.start()

    def over() -> bool:
        while thread.is_alive() and not rounds.exposed.wait(0.05):
            pass
        return len(killer.strikes) >= kills or not thread.is_alive()

    killer.run(over)
    rounds.enough.set()
    thread.join()
    return time.monotonic() - began
