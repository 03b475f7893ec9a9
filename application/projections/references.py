"""The columns that refer to goals and strategies: id, name, and case-folded name."""

from functools import lru_cache
from typing import Any

from domain.catalogue.definitions import PluginKind
from domain.kernel.ids import definition_id

identity = lru_cache(maxsize=1024)(definition_id)
"""The id of a catalogue entry: its kind, its name. Hashing the names takes longer than a fold."""


def goal(name: str) -> dict[str, Any]:
    """The columns that refer to a goal."""
    return {
        "goal_uuid": identity(PluginKind.GOAL, name),
        "goal_name": name,
        "goal_key": name.casefold(),
    }


def strategy(name: str | None) -> dict[str, Any]:
    """The columns that refer to a strategy, all None without one."""
    if name is None:
        return {"strategy_uuid": None, "strategy_name": None, "strategy_key": None}
    return {
        "strategy_uuid": identity(PluginKind.STRATEGY, name),
        "strategy_name": name,
        "strategy_key": name.casefold(),
    }
