"""Values that many tests need, each made in one place; keywords change what matters to a test."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from application.records.decision import FORMAT, DecisionExplanation
from domain.audits import AuditDefinition, AuditType
from domain.catalogue import Installation, PluginCatalogue, PluginDefinition, PluginKind
from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster.placement.rules.capacity import CAPACITY_SHORT
from domain.cluster.storage.records import VolumeRow
from domain.kernel.aggregate import JsonObject
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST, HOST_EMPTIED
from domain.optimization.solution import Rejection
from domain.plans import EfficacyIndicator, Proposal
from domain.plans.action_types import ActionType
from domain.plans.proposal import PlannedAction, ProposedAction

INDICATOR = "released_compute_nodes_count"
RESULTS: dict[str, Any] = {
    "indicators": (EfficacyIndicator(INDICATOR, "Freed.", None, 1.0),),
    "global_efficacy": (EfficacyIndicator("released_nodes_ratio", "Share.", "%", 33.25),),
}
"""What a proposal promises."""


def plugins(
    goals: Iterable[str],
    strategies: Mapping[str, tuple[str, JsonObject]],
    *,
    planners: Iterable[str] = (),
    scorers: Iterable[str] = ("dummy_scorer",),
    metainfo: str = "{}",
    schema: str = '{"type": "integer"}',
    migrate: str = "Moves a server.",
    action_types: Iterable[ActionType] = (),
    without: str = "",
    suffix: str = "",
) -> list[PluginDefinition]:
    """The plug-ins of an installation.

    Args:
        goals: their names.
        strategies: name → goal and specification of the parameters.
        planners: their names.
        scorers: names of the scoring engines.
        metainfo: of each scoring engine.
        schema: of the goals' efficacy indicator.
        migrate: description of the action type.
        action_types: further ones.
        without: the name of a plug-in to leave out.
        suffix: of the goals' display names.
    """
    indicator: JsonObject = {"name": INDICATOR, "description": "Freed.", "unit": None}
    indicator["schema"] = schema
    efficacy: JsonObject = {"efficacy_specification": [indicator]}
    scoring: JsonObject = {"description": "Scores.", "metainfo": metainfo}
    found = [PluginDefinition(PluginKind.GOAL, g, g.title() + suffix, efficacy) for g in goals]
    found += [
        PluginDefinition(
            PluginKind.STRATEGY, name, name.title(), {"goal": goal, "parameters_spec": spec}
        )
        for name, (goal, spec) in strategies.items()
    ]
    found += [PluginDefinition(PluginKind.PLANNER, name, name.title(), {}) for name in planners]
    found.append(
        PluginDefinition(PluginKind.ACTION_TYPE, "migrate", "Migrate", {"description": migrate})
    )
    found += [
        PluginDefinition(
            PluginKind.ACTION_TYPE,
            one.name,
            one.name,
            {"description": one.description, "schema": one.schema},
        )
        for one in action_types
    ]
    found += [
        PluginDefinition(PluginKind.SCORING_ENGINE, name, name.title(), scoring) for name in scorers
    ]
    return [one for one in found if one.name != without]


def installation(
    installed: Iterable[PluginDefinition],
    *,
    host: str = "ctl-1",
    version: str = "1.0",
    start: int = 1,
) -> Installation:
    """The installation of a decision engine that has all its plug-ins in one version.

    Args:
        installed: its plug-ins.
        host: its host.
        version: of all of them.
        start: number of the engine's start on that host.
    """
    found = list(installed)
    instance = f"watcher-decision-engine/{host}/{start}/{version}"
    return Installation.of(instance, host, found, {one.key: version for one in found})


def started(
    catalogue: PluginCatalogue,
    ctx: Context,
    installed: Iterable[PluginDefinition],
    *,
    host: str = "ctl-1",
    version: str = "1.0",
) -> None:
    """A decision engine starts on a host, where the earlier ones have ended."""
    found = list(installed)
    here = installation(found, host=host, version=version, start=catalogue.version)
    ended = [one.instance for one in catalogue.installations.values() if one.host == host]
    catalogue.synchronise(ctx, found, here, ended)


def definition(kind: AuditType = AuditType.ONESHOT, **changes: Any) -> AuditDefinition:
    """The definition of an audit; a continuous one runs every minute."""
    fields: dict[str, Any] = {
        "name": "nightly",
        "audit_type": kind,
        "goal": "server_consolidation",
        "strategy": None,
        "parameters": {},
        "scope": [],
        "interval": "60" if kind is AuditType.CONTINUOUS else None,
    }
    return AuditDefinition(**{**fields, **changes})


def planned(
    kind: str,
    resource: str,
    parameters: JsonObject,
    cause: Cause | None = None,
    *,
    parents: tuple[int, ...] = (),
    requires: tuple[int, ...] = (),
) -> PlannedAction:
    """An action of a proposal."""
    action = ProposedAction(kind, resource, parameters, cause or Cause(FREES_HOST))
    return PlannedAction(action, parents, requires)


def migrations(count: int, *, required_each: int = 0) -> tuple[PlannedAction, ...]:
    """Migrations of which each waits for the one before; every n-th also requires its success."""
    return tuple(
        planned(
            "migrate",
            f"server-{place}",
            {"source_node": "cmp-1", "destination_node": "cmp-2"},
            Cause(FREES_HOST, {"server": f"server-{place}", "source": "cmp-1"}),
            parents=(place - 1,) if place else (),
            requires=(place - 1,) if place and required_each and place % required_each == 0 else (),
        )
        for place in range(count)
    )


def proposal(
    audit_id: UUID, run_id: UUID, actions: Iterable[PlannedAction], **changes: Any
) -> Proposal:
    """A plan that a run proposes."""
    fields: dict[str, Any] = {
        "goal": "server_consolidation",
        "strategy": "basic",
        "planner": "weight",
        "record": "d" * 64,
        "explanation": "e" * 64,
        "actions": tuple(actions),
    }
    return Proposal(audit_id=audit_id, run_id=run_id, **{**fields, **changes})


def explanation(of: Proposal) -> DecisionExplanation:
    """The reasons of a proposal, as a decision engine records them."""
    full = Cause(CAPACITY_SHORT, {"host": "cmp-3", "resource": "memory"})
    return DecisionExplanation(
        format=FORMAT,
        record=of.record,
        actions=list(of.actions),
        rejections=[Rejection("server server-9", full)],
        notes=[Cause(HOST_EMPTIED, {"host": "cmp-1"})],
        indicators={INDICATOR: 1.0},
    )


def id_of(name: str) -> str:
    """The uuid of a resource; the order of names of at most 16 characters is that of their ids."""
    return str(UUID(bytes=name.encode().ljust(16, b"\0")))


def host(name: str, **changes: Any) -> HostRow:
    """A host of 16 cores and 64 GiB."""
    usual = {"zone": "z", "vcpus": 16, "memory_mb": 65536, "disk_gb": 1000}
    return HostRow(id=id_of(name), name=name, **{**usual, **changes})


def server(name: str, on: str, **changes: Any) -> ServerRow:
    """A running server of 2 vCPUs and 4 GiB."""
    usual: dict[str, Any] = {
        "vcpus": 2,
        "memory_mb": 4096,
        "disk_gb": 20,
        "state": "active",
        "status": "ACTIVE",
        "project_id": "p",
        "flavor": "small",
    }
    return ServerRow(id=id_of(name), name=name, host=on, **{**usual, **changes})


def volume(name: str, pool: str | None, **changes: Any) -> VolumeRow:
    """A free volume of 10 GB."""
    usual: dict[str, Any] = {
        "size_gb": 10,
        "status": "available",
        "volume_type": "fast",
        "bootable": "false",
        "multiattach": False,
        "encrypted": False,
        "project_id": "p",
    }
    return VolumeRow(id=id_of(name), name=name, pool=pool, **{**usual, **changes})
