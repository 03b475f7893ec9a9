"""The registry: which plug-ins are installed, which of them work, and why the others do not."""

import hashlib
import logging
import operator
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from application.ports.plugins import Optimizers, PluginIdentity
from domain.optimization.scoring import ScoringEngine, ScoringEngineContainer
from infrastructure.plugins import contracts
from infrastructure.plugins.entry_points import (
    Declared,
    Imported,
    Origin,
    imported,
    in_group,
    installed,
)

LOG = logging.getLogger(__name__)

GROUPS = {
    "goal": "vigil.goals",
    "strategy": "vigil.strategies",
    "planner": "vigil.planners",
    "action": "vigil.actions",
    "action handler": "vigil.action_handlers",
    "scoring engine": "vigil.scoring_engines",
    "scoring engine container": "vigil.scoring_engine_containers",
    "datasource": "vigil.datasources",
}
"""Kind of plug-in → group of its entry points."""

ATTRIBUTES = {
    "goal": "optimizers.goals",
    "strategy": "optimizers.strategies",
    "planner": "optimizers.planners",
    "action": "optimizers.action_types",
    "action handler": "handlers",
    "scoring engine": "single_scoring_engines",
    "scoring engine container": "scoring_engine_containers",
    "datasource": "datasources",
}
"""Kind of plug-in → where the registry has the ones that work."""

Check = Callable[[object], Iterable[str]]
"""What an entry point names → the rules of the contract that it breaks."""


class Unusable(Exception):
    """A plug-in does not load, or breaks its contract."""


@dataclass(frozen=True)
class Plugin:
    """An installed plug-in.

    Attributes:
        kind: see ``GROUPS``.
        name: of its entry point.
        origin: the distribution that declares it.
        problem: why it does not work; None if it does.
    """

    kind: str
    name: str
    origin: Origin
    problem: str | None = None

    @property
    def state(self) -> str:
        """``loaded`` or ``failed``."""
        return "failed" if self.problem else "loaded"


class Registry:
    """The installed plug-ins. Each kind is imported when it is first asked for.

    A plug-in that does not load, or breaks its contract, is logged once and left out. Of several
    with one name, the product's own wins, then the first by name of the distribution.

    Args:
        scanned: entry points to use instead of those of the installed distributions.
        log_problems: False for a caller that shows them itself.
    """

    def __init__(
        self, scanned: Iterable[EntryPoint] | None = None, *, log_problems: bool = True
    ) -> None:
        self._scanned = installed(GROUPS.values()) if scanned is None else list(scanned)
        self._log_problems = log_problems
        self._plugins: dict[str, list[Plugin]] = {}
        self._origins: dict[str, dict[str, Origin]] = {}

    def preload(self) -> None:
        """Imports the product's own plug-ins, for forks to share; those of others stay out."""
        for one in self._scanned:
            if Declared(one).origin.is_product:
                one.load()

    def names(self, kind: str) -> list[str]:
        """The names of the installed plug-ins of a kind, working or not; imports nothing."""
        return sorted({one.name for one in in_group(self._scanned, GROUPS[kind])})

    def has_others(self, kind: str) -> bool:
        """Whether another distribution than the product's has plug-ins of a kind; imports none."""
        return any(not one.origin.is_product for one in in_group(self._scanned, GROUPS[kind]))

    def of(self, kind: str) -> Mapping[str, Any]:
        """The plug-ins of a kind that work, by name."""
        found: Mapping[str, Any] = operator.attrgetter(ATTRIBUTES[kind])(self)
        return found

    def plugins(self) -> list[Plugin]:
        """All installed plug-ins, by kind and name; imports all of them."""
        for kind in GROUPS:
            self.of(kind)
        return [one for kind in GROUPS for one in self._plugins[kind]]

    def problem(self, kind: str, name: str) -> str | None:
        """Why a plug-in of an imported kind does not work; None if it does or is not installed."""
        found = (one for one in self._plugins.get(kind, ()) if one.name == name and one.problem)
        return next((one.problem for one in found), None)

    def version(self, kind: str, name: str) -> str:
        """The version of the distribution of a plug-in that works, "" if there is none."""
        self.of(kind)
        found = (one for one in self._plugins[kind] if one.name == name and not one.problem)
        return next((one.origin.version for one in found), "")

    def scoring_engine_version(self, name: str) -> str:
        """The version of the distribution of a scoring engine, also of one in a container."""
        for container, loaded in self.scoring_engine_containers.items():
            if any(one.name == name for one in loaded.engines()):
                return self.version("scoring engine container", container)
        return self.version("scoring engine", name)

    @cached_property
    def optimizers(self) -> Optimizers:
        """Goals, strategies, planners, action types and scoring engines."""
        goals = self._load("goal", contracts.goal_problems, _itself)
        planners = self._load("planner", contracts.planner_problems, _instance)
        strategies = self._load(
            "strategy", lambda one: contracts.strategy_problems(one, goals, planners), _instance
        )
        action_types = self._load("action", contracts.action_type_problems, _itself)
        identities = {
            (kind, name): _identity(kind, name, plugin, self._origins[kind][name])
            for kind, found in (("strategy", strategies), ("planner", planners))
            for name, plugin in found.items()
        }
        return Optimizers(
            goals, strategies, planners, action_types, self.scoring_engines, identities
        )

    @cached_property
    def handlers(self) -> Mapping[str, Any]:
        """Action type → class of its handler; imports openstacksdk."""
        types = self.optimizers.action_types
        return self._load(
            "action handler", lambda one: contracts.handler_problems(one, types), _itself
        )

    @cached_property
    def single_scoring_engines(self) -> Mapping[str, ScoringEngine]:
        """Scoring engines that are plug-ins themselves."""
        return self._load("scoring engine", contracts.scoring_engine_problems, _instance)

    @cached_property
    def scoring_engine_containers(self) -> Mapping[str, ScoringEngineContainer]:
        """Containers of scoring engines. One with a name that is taken is left out."""
        taken = set(self.single_scoring_engines)

        def problems(kind: object) -> Iterator[str]:
            engines, broken = contracts.container_engines(kind, taken)
            yield from broken
            if not broken:
                taken.update(engines)

        return self._load("scoring engine container", problems, _instance)

    @cached_property
    def scoring_engines(self) -> Mapping[str, ScoringEngine]:
        """All scoring engines, also those of containers."""
        found = dict(self.single_scoring_engines)
        for container in self.scoring_engine_containers.values():
            found |= {one.name: one for one in container.engines()}
        return dict(sorted(found.items()))

    @cached_property
    def datasources(self) -> Mapping[str, Any]:
        """Datasources; imports openstacksdk."""
        return self._load("datasource", contracts.datasource_problems, _instance)

    def _load(self, kind: str, check: Check, prepare: Callable[[Any], Any]) -> dict[str, Any]:
        working: dict[str, Any] = {}
        owners: dict[str, Origin] = {}
        rows: list[Plugin] = []
        for one in imported(GROUPS[kind], in_group(self._scanned, GROUPS[kind])):
            name, origin = one.declared.name, one.declared.origin
            problem = None
            try:
                _require_unique(owners.get(name))
                working[name] = _prepared(one, check, prepare)
                owners[name] = origin
            except Unusable as unusable:
                problem = str(unusable)
                self._log(f"{kind} {name} of {origin}", unusable)
            rows.append(Plugin(kind, name, origin, problem))
        self._plugins[kind] = sorted(rows, key=lambda row: row.name)
        self._origins[kind] = owners
        return dict(sorted(working.items()))

    def _log(self, what: str, unusable: Unusable) -> None:
        if self._log_problems:
            trace = unusable.__cause__ if LOG.isEnabledFor(logging.DEBUG) else None
            LOG.error("%s is left out: %s", what, unusable, exc_info=trace)


def _itself(value: Any) -> Any:
    return value


def _instance(kind: Callable[[], Any]) -> Any:
    return kind()


def _identity(kind: str, name: str, plugin: object, origin: Origin) -> PluginIdentity:
    source = getattr(sys.modules.get(type(plugin).__module__), "__file__", None)
    try:
        code = hashlib.sha256(Path(source).read_bytes()).hexdigest() if source else ""
    except OSError:  # in an archive, or removed
        code = ""
    digest = f"sha256:{code}" if code else ""  # without a prefix it would look like a record's
    return PluginIdentity(kind, name, origin.distribution, origin.version, digest)


def _require_unique(owner: Origin | None) -> None:
    if owner is not None:
        raise Unusable(f"name: {owner} has a plug-in of this kind with the same name")


def _prepared(one: Imported, check: Check, prepare: Callable[[Any], Any]) -> Any:
    """What the product uses of a plug-in."""
    if one.error is not None:
        raise Unusable(f"import: {_line(one.error)}") from one.error
    found = getattr(one.value, "declaration", one.value)
    try:
        problems = [
            *contracts.name_problems(one.declared.name, getattr(found, "name", None)),
            *check(one.value),
        ]
        prepared = None if problems else prepare(one.value)
    except Exception as error:
        raise Unusable(f"its own code fails: {_line(error)}") from error
    if problems:
        raise Unusable("; ".join(problems))
    return prepared


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
