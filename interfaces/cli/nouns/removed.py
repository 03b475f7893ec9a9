"""Marks what was removed, and goals for which nothing is installed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from interfaces.cli.nouns.noun import Row

if TYPE_CHECKING:
    from interfaces.client import VigilClient

_PATH = "/v1/strategies"
_TEMPLATES = "/v1/audit_templates"
_SHOW_DELETED = {"X-Show-Deleted": "True"}


def add_strategies(client: "VigilClient", goals: Sequence[Row]) -> None:
    """Adds ``strategies`` to goals; for a goal without one audits are refused."""
    installed = {one["name"] for one in client.get(_PATH)["strategies"]}
    every = client.request("GET", _PATH, headers=_SHOW_DELETED)["strategies"]
    for goal in goals:
        own = {one["name"] for one in every if one["goal_name"] == goal["name"]}
        text = ", ".join([*sorted(own & installed), *map(_removed, sorted(own - installed))])
        none = "" if own & installed else "no strategy: audits are refused "
        goal["strategies"] = f"{none}{text}".rstrip()


def mark_removed(client: "VigilClient", templates: Sequence[Row]) -> None:
    """Adds ``strategy`` to audit templates; an audit needs one that is not removed."""
    every = client.request("GET", _TEMPLATES, headers=_SHOW_DELETED)["audit_templates"]
    named = {one["uuid"]: one["strategy_name"] for one in every}
    for one in templates:
        shown, name = one["strategy_name"], named.get(one["uuid"])
        one["strategy"] = _removed(name) if shown is None and name is not None else shown


def _removed(name: str) -> str:
    return f"{name} (removed)"
