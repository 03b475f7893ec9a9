"""Hosts and pools as the actions of a plan change them, one succeeded action after the other."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from interfaces.terminal.plan_explanation import Document, ends

OPEN, CLOSED, OFF = "open", "closed", "off"
_CONDITIONS = {"enabled": OPEN, "disabled": CLOSED, "on": OPEN, "off": OFF}
"""State that an action sets → condition of its host."""


@dataclass(frozen=True)
class Place:
    """A host or a storage pool.

    Attributes:
        capacity, used: memory in MiB of a host, GB of a pool.
        condition: ``open``, ``closed`` for new servers, or ``off``.
    """

    name: str
    capacity: float
    used: float
    condition: str = OPEN

    @property
    def fill(self) -> float:
        """The used part, of 1."""
        return self.used / self.capacity if self.capacity else 0.0


@dataclass(frozen=True)
class Effect:
    """What an action does.

    Attributes:
        source, destination: places between which it moves an amount; empty if it moves nothing.
        place: whose condition it changes, to which one; empty if it changes none.
    """

    source: str = ""
    destination: str = ""
    amount: float = 0.0
    place: str = ""
    condition: str = OPEN


class Places:
    """The places of a cloud while a plan is executed.

    Args:
        places: before it.
        effects: id of an action → what it does.
    """

    def __init__(self, places: Iterable[Place], effects: Mapping[str, Effect]) -> None:
        self._before = {one.name: one for one in places}
        self._effects = effects
        self.after = self.at(effects)

    def at(self, succeeded: Collection[str]) -> dict[str, Place]:
        """The places by name, after some actions have succeeded."""
        now = dict(self._before)
        for action, effect in self._effects.items():
            if action in succeeded:
                now |= _changed(now, effect)
        return now


def _changed(now: Mapping[str, Place], effect: Effect) -> dict[str, Place]:
    """The places that an action changes, as they are after it."""
    found = {
        name: replace(now[name], used=now[name].used + sign * effect.amount)
        for name, sign in ((effect.source, -1), (effect.destination, 1))
        if name in now
    }
    if effect.place in now:
        found[effect.place] = replace(now[effect.place], condition=effect.condition)
    return found


def hosts_of(documents: Iterable[Document]) -> list[Place]:
    """The hosts that the API lists, with their memory."""
    return [
        Place(
            one["name"],
            one["memory_mb"]["total"],
            one["memory_mb"]["used"],
            OFF if one["state"] == "down" else _CONDITIONS[one["status"]],
        )
        for one in documents
    ]


def effects_of(moves: Iterable[Document], memory: Mapping[str, float]) -> dict[str, Effect]:
    """What the actions of an explanation do.

    Args:
        moves: of the explanation.
        memory: id of a server → its memory in MiB.
    """
    return {one["action_uuid"]: _effect(one, memory) for one in moves}


def _effect(move: Document, memory: Mapping[str, float]) -> Effect:
    facts, given = move["because"]["facts"], move["input_parameters"]
    source, destination = ends(move)
    if source:
        amount = facts.get("size", memory.get(move["resource_id"], 0.0))
        return Effect(source, destination, float(amount))
    condition = _CONDITIONS.get(str(given.get("state")))
    if condition is None:
        return Effect()
    return Effect(place=str(given.get("resource_name")), condition=condition)
