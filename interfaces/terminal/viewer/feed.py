"""Keeps the picture new: refreshes on events, at a bounded rate, and at least every few seconds."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from infrastructure.logs import one_line
from interfaces.client import ApiError, ApiUnreachable, ClientError, VigilClient
from interfaces.terminal.viewer.past import Past
from interfaces.terminal.viewer.picture import Picture
from interfaces.terminal.viewer.rows_of import risk
from interfaces.terminal.viewer.shown_actions import OPEN, ShownActions, shown_plan

BURST = 0.5
"""Seconds between two refreshes, at least."""
HOSTS_EVERY = 5.0
"""Seconds between two readings of all hosts, at least."""
RISKS = 20
"""Recommended plans whose actions are read, at most."""
RECONNECT = 3.0
"""Seconds between two attempts to follow the events."""
STREAM = "/v1/events/stream"


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds."""
        ...


class Feed:
    """The newest picture, and what makes the next one; ``changed`` is called with each.

    Args:
        api: answers; used by one thread at a time.
        url: of the API, for people.
        clock: the time.
    """

    def __init__(self, api: VigilClient, url: str, clock: Clock) -> None:
        self.picture = Picture(url)
        self.chosen: str | None = None
        self.changed: Callable[[Picture], None] = lambda _: None
        self._api = api
        self._clock = clock
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._hosts_read = -HOSTS_EVERY
        self._hosts_plan: str | None = None
        self._following_since: float | None = None
        self._risks: dict[str, str] = {}
        self._actions = ShownActions(api)
        self._past = Past(api)

    def refresh(self) -> None:
        """Reads what is shown, once."""
        past = self.picture.past
        try:
            overview = self._api.get("/v1/overview")
            taken = self._clock.now()
            if past is not None:
                overview = self._past.overview(past, overview)
            hosts, problem = self._hosts(overview, past)
            actions, of = self._actions.read(overview, past, self.chosen)
            self._read_risks(overview)
        except ClientError as error:
            since = self.picture.away_since or self._clock.now()
            self._update(away=_cause(error), away_since=since)
            return
        if past != self.picture.past:
            return  # the user has gone on meanwhile
        if self._is_followed():
            self._update(unfollowed="")
        self._update(
            overview=overview,
            hosts=hosts,
            hosts_problem=problem,
            actions=actions,
            actions_of=of,
            risks=dict(self._risks),
            taken=taken,
            away="",
            away_since=None,
        )

    def go(self, past: int | None) -> None:
        """Shows another moment from the next refresh on; None: the present."""
        self._set(past=past)
        self._hosts_read = -HOSTS_EVERY
        self._wake.set()

    def choose(self, plan: str) -> None:
        """Shows the actions of a plan, and its effect on the hosts."""
        if plan != self.chosen:
            self.chosen = plan
            self._wake.set()

    def wake(self) -> None:
        """Something has changed."""
        self._wake.set()

    def stop(self) -> None:
        """Ends both loops."""
        self._stopped.set()
        self._wake.set()

    def poll(self, interval: float) -> None:
        """Refreshes until stopped: when something has changed, else at an interval in seconds."""
        while not self._stopped.is_set():
            self._wake.clear()
            self.refresh()
            self._stopped.wait(BURST)
            self._wake.wait(max(0.0, interval - BURST))

    def follow(self, api: VigilClient) -> None:
        """Follows the events until stopped.

        Args:
            api: of this loop alone.
        """
        while not self._stopped.is_set():
            self._following_since = self._clock.monotonic()
            try:
                for _ in api.stream(STREAM):
                    self._wake.set()
                    if self._stopped.is_set():
                        return
            except ClientError as error:
                self._following_since = None
                self._update(unfollowed=one_line(str(error)))
            self._stopped.wait(RECONNECT)

    def _is_followed(self) -> bool:
        """Whether the stream of events is open: a refused one ends at once."""
        since = self._following_since
        return since is not None and self._clock.monotonic() - since > RECONNECT

    def _hosts(self, overview: Mapping[str, Any], past: int | None) -> tuple[list[Any], str]:
        plan, now = self._plan(overview, past), self._clock.monotonic()
        is_new = now - self._hosts_read >= HOSTS_EVERY or plan != self._hosts_plan
        if not is_new:
            return list(self.picture.hosts), self.picture.hosts_problem
        query: dict[str, Any] = {} if past is None else {"at": past}
        query |= {} if plan is None else {"plan": plan}
        try:
            found = self._api.get("/v1/hosts", **query)["hosts"]
        except ApiError as error:
            return [], one_line(str(error))
        self._hosts_read, self._hosts_plan = self._clock.monotonic(), plan
        return sorted(found, key=lambda one: (str(one.get("zone")), one["name"])), ""

    def _plan(self, overview: Mapping[str, Any], past: int | None) -> str | None:
        """The plan whose effect on the hosts is shown: it has not ended."""
        plan = shown_plan(overview, self.chosen)
        is_open = plan is not None and plan["state"] in OPEN and past is None
        return str(plan["uuid"]) if plan is not None and is_open else None

    def _read_risks(self, overview: Mapping[str, Any]) -> None:
        """Reads the actions of new recommended plans: those of a plan never change."""
        plans = [one for one in overview["plans"] if one["state"] in ("RECOMMENDED", "PENDING")]
        for one in plans[:RISKS]:
            ident = one["uuid"]
            if ident not in self._risks:
                found = self._api.get("/v1/actions/detail", action_plan_uuid=ident, limit=1000)
                self._risks[ident] = risk(found["actions"])
        known = {one["uuid"] for one in plans}
        self._risks = {plan: text for plan, text in self._risks.items() if plan in known}

    def _update(self, **changes: Any) -> None:
        self.changed(self._set(**changes))

    def _set(self, **changes: Any) -> Picture:
        with self._lock:
            self.picture = replace(self.picture, **changes)
            return self.picture


def _cause(error: ClientError) -> str:
    """What failed, without the address, which is shown anyway."""
    return one_line(str(error.cause if isinstance(error, ApiUnreachable) else error))
