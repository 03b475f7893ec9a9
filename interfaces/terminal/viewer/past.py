"""The state at an earlier position of the log, and the positions to step to."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any

from interfaces.client import ApiError, VigilClient
from interfaces.terminal.viewer.listing import Document
from interfaces.terminal.viewer.rows_of import plan_row

SHOWN = 25
"""Audits and plans whose past is read, at most of each."""
EVENTS = 200
"""Events that are read at once."""
NOT_FOUND = 404


class Past:
    """Reads the past.

    Args:
        api: answers.
    """

    def __init__(self, api: VigilClient) -> None:
        self._api = api
        self._positions: list[int] = []

    def overview(self, position: int, present: Mapping[str, Any]) -> dict[str, Any]:
        """What the overview shows, as it was at a position: audits, plans and events.

        Args:
            position: of the log.
            present: the newest overview: it lists what is looked for.

        Raises:
            ClientError: it cannot be read.
        """
        events = self._events(max(0, position - EVENTS), position)
        at = events[-1]["at"] if events else present["at"]
        audits = self._members("audits", present, position)
        plans = self._members("plans", present, position, "action_plans")
        return {
            "at": at,
            "end": position,
            "health": {"state": "ok", "problems": []},
            "installation": present["installation"],
            "actuation": present["actuation"],
            "audits": [{**one, "goal": one.get("goal_name")} for one in audits],
            "plans": [plan_row(one, at) for one in plans],
            "events": events,
        }

    def _members(
        self, name: str, present: Mapping[str, Any], position: int, path: str = ""
    ) -> list[Document]:
        found: list[Document] = []
        for one in present[name][:SHOWN]:
            try:
                member = self._api.get(f"/v1/{path or name}/{one['uuid']}", at=position)
            except ApiError as error:
                if error.status != NOT_FOUND:
                    raise
            else:  # else it did not exist yet
                found.append(member)
        return found

    def _events(self, after: int, until: int) -> list[Document]:
        found = self._api.get("/v1/events", after=after, limit=EVENTS)["events"]
        return [one for one in found if one["position"] <= until]

    def step(self, here: int, count: int) -> int | None:
        """The position some events before or after another; None if there is none."""
        if not self._positions or not self._positions[0] < here <= self._positions[-1]:
            found = self._api.get("/v1/events", after=max(0, here - EVENTS), limit=EVENTS)["events"]
            self._positions = [one["position"] for one in found]
        known = self._positions
        place = bisect_left(known, here) - 1 if count < 0 else bisect_right(known, here)
        return known[place] if 0 <= place < len(known) else None
