"""The actions of the plan on the first screen: the selected one, else the running or next one."""

from collections.abc import Mapping, Sequence
from typing import Any

from interfaces.client import ApiError, VigilClient
from interfaces.terminal.viewer.listing import Document
from interfaces.terminal.viewer.rows_of import action_row, because_of, in_order

OPEN = ("ONGOING", "CANCELLING", "PENDING", "RECOMMENDED")
"""States of plans that have not ended, in the order in which they are shown."""
LIMIT = 1000
"""Actions that are read, at most: a page of the plan has all."""


def shown_plan(overview: Mapping[str, Any], chosen: str | None = None) -> Document | None:
    """The chosen plan, or else the running one, the next one, or the newest one with actions."""
    plans = overview["plans"]
    for one in plans:
        if one["uuid"] == chosen:
            selected: Document = one
            return selected
    for state in OPEN:
        for one in plans:
            if one["state"] == state:
                found: Document = one
                return found
    return next((one for one in plans if one.get("total")), None)


class ShownActions:
    """Reads the actions when the plan has moved on.

    Args:
        api: answers.
    """

    def __init__(self, api: VigilClient) -> None:
        self._api = api
        self._read: tuple[object, ...] = ()
        self._actions: list[Document] = []
        self._reasons: dict[str, str] = {}

    def read(
        self, overview: Mapping[str, Any], past: int | None, chosen: str | None
    ) -> tuple[Sequence[Document], str]:
        """The actions in order, with the progress of those that run, and which plan it is.

        Raises:
            ClientError: they cannot be read.
        """
        plan = shown_plan(overview, chosen)
        if plan is None or past is not None:  # lists of actions have no past
            return [], ""
        ident = plan["uuid"]
        if self._read[:1] != (ident,):
            self._reasons = self._because(ident)
        seen = ident, plan["state"], plan.get("ended"), plan.get("ongoing")
        if self._read != seen:
            found = self._api.get("/v1/actions/detail", action_plan_uuid=ident, limit=LIMIT)
            self._actions, self._read = in_order(found["actions"]), seen
        running = {one["uuid"]: one for one in plan.get("running") or ()}
        rows = [action_row(one, running, self._reasons) for one in self._actions]
        return rows, f"of plan {ident[:8]} {plan['state']}"

    def _because(self, plan: str) -> dict[str, str]:
        try:
            return because_of(self._api.get(f"/v1/action_plans/{plan}/explanation"))
        except ApiError:  # a plan of another version may have none; w says so
            return {}
