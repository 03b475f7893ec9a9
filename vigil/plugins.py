"""The contracts of plug-ins: everything that a plug-in imports. See docs/plugins.md.

Goals, strategies, planners, action types and scoring engines are pure and load quickly. What talks
to a cloud or a datasource (``LAZY``) loads openstacksdk when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from application.ports.cloud import (
    CloudRefused,
    CloudUnreachable,
    Fail,
    Go,
    Observation,
    Phase,
    Skip,
    Verdict,
)
from application.ports.metrics import Fetched, MetricCheck, MetricSource, MetricsUnavailable
from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.compute.columns import HostColumns, ServerColumns
from domain.cluster.compute.flavor import Flavor
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster.kinds import ModelKind
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints, HostExplanation
from domain.cluster.placement.load import MeasuredLoad
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.storage.model import StorageModel
from domain.cluster.table.columns import BoolArray, FloatArray, IntArray
from domain.cluster.verifier.checked_action import CheckedAction
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.options import NoOptions, option
from domain.kernel.reasons import Cause, Reason
from domain.metrics.catalogue import (
    HOST_AIRFLOW,
    HOST_CPU_USAGE,
    HOST_INLET_TEMP,
    HOST_OUTLET_TEMP,
    HOST_POWER,
    HOST_RAM_USAGE,
    INSTANCE_CPU_USAGE,
    INSTANCE_L3_CACHE_USAGE,
    INSTANCE_RAM_ALLOCATED,
    INSTANCE_RAM_USAGE,
    INSTANCE_ROOT_DISK_SIZE,
    MetricNeed,
    MetricTable,
)
from domain.optimization.algorithms.balancing import balance
from domain.optimization.algorithms.consolidating import Consolidation, Order, Price
from domain.optimization.algorithms.draining import drain
from domain.optimization.algorithms.loads import (
    Sums,
    capacity,
    host_use,
    rested,
    server_use,
    unknown_use,
)
from domain.optimization.algorithms.moves import Moves
from domain.optimization.algorithms.packing import ranks, sizes
from domain.optimization.algorithms.refusals import Refusals, refusals, standing
from domain.optimization.algorithms.relieving import relieve
from domain.optimization.algorithms.spread import EachBelow, HostLoad, Shares, SpreadAtMost
from domain.optimization.algorithms.utilisation import Utilisation, UtilisationNeeds, utilisation
from domain.optimization.context import (
    MigrationCost,
    ObservedMove,
    PlanContext,
    StepBudget,
    StrategyContext,
)
from domain.optimization.efficacy import EfficacySpecification, IndicatorSpecification, Ratio
from domain.optimization.goals import Goal
from domain.optimization.planner import Planner
from domain.optimization.scoring import ScoringEngine, ScoringEngineContainer
from domain.optimization.solution import Solution, Subject
from domain.optimization.strategy import (
    NOTHING_TO_DO,
    REQUESTED_BY_PARAMETERS,
    NoParameters,
    Requirements,
    Strategy,
)
from domain.plans.action_types import (
    ActionType,
    ResourceKind,
    disable_host,
    enable_host,
    migrate,
)
from domain.plans.action_types.declaration import without_placement
from domain.plans.action_types.schemas import ID, NAME, OPTIONAL_NAME
from domain.plans.action_types.schemas import parameters as schema_of
from domain.plans.parallelism import Parallelism
from domain.plans.proposal import PlannedAction, ProposedAction

if TYPE_CHECKING:
    from infrastructure.datasources.datasource import Datasource, DatasourceContext
    from infrastructure.datasources.selection import UndescribedDatasource
    from infrastructure.openstack.actions.base import Handler, inverse
    from infrastructure.openstack.clouds import Clouds
    from infrastructure.openstack.errors import Conflicting, Invalid, ResourceNotFound
    from infrastructure.openstack.service import CloudService

LAZY = {
    "CloudService": "infrastructure.openstack.service",
    "Clouds": "infrastructure.openstack.clouds",
    "Conflicting": "infrastructure.openstack.errors",
    "Datasource": "infrastructure.datasources.datasource",
    "DatasourceContext": "infrastructure.datasources.datasource",
    "Handler": "infrastructure.openstack.actions.base",
    "Invalid": "infrastructure.openstack.errors",
    "ResourceNotFound": "infrastructure.openstack.errors",
    "UndescribedDatasource": "infrastructure.datasources.selection",
    "inverse": "infrastructure.openstack.actions.base",
}
"""Name → the module that defines it."""


def __getattr__(name: str) -> Any:
    """Imports one of ``LAZY``."""
    if name not in LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(LAZY[name]), name)


__all__ = [
    "HOST_AIRFLOW",
    "HOST_CPU_USAGE",
    "HOST_INLET_TEMP",
    "HOST_OUTLET_TEMP",
    "HOST_POWER",
    "HOST_RAM_USAGE",
    "ID",
    "INSTANCE_CPU_USAGE",
    "INSTANCE_L3_CACHE_USAGE",
    "INSTANCE_RAM_ALLOCATED",
    "INSTANCE_RAM_USAGE",
    "INSTANCE_ROOT_DISK_SIZE",
    "NAME",
    "NOTHING_TO_DO",
    "OPTIONAL_NAME",
    "REQUESTED_BY_PARAMETERS",
    "ActionType",
    "BaremetalModel",
    "BoolArray",
    "Branch",
    "Cause",
    "CheckedAction",
    "CloudRefused",
    "CloudService",
    "CloudUnreachable",
    "Clouds",
    "ComputeModel",
    "Conflicting",
    "Consolidation",
    "Constraints",
    "Datasource",
    "DatasourceContext",
    "EachBelow",
    "EfficacySpecification",
    "Fail",
    "Fetched",
    "Flavor",
    "FloatArray",
    "Go",
    "Goal",
    "Handler",
    "HostColumns",
    "HostExplanation",
    "HostLoad",
    "HostRow",
    "IndicatorSpecification",
    "IntArray",
    "Invalid",
    "InvalidValue",
    "JsonObject",
    "MeasuredLoad",
    "MetricCheck",
    "MetricNeed",
    "MetricSource",
    "MetricTable",
    "MetricsUnavailable",
    "MigrationCost",
    "ModelKind",
    "Moves",
    "NoOptions",
    "NoParameters",
    "Observation",
    "ObservedMove",
    "Order",
    "Parallelism",
    "Phase",
    "PlacementPolicy",
    "PlanContext",
    "PlannedAction",
    "Planner",
    "Price",
    "ProposedAction",
    "Ratio",
    "Reason",
    "Refusals",
    "Requirements",
    "ResourceKind",
    "ResourceNotFound",
    "ScoringEngine",
    "ScoringEngineContainer",
    "ServerColumns",
    "ServerRow",
    "Shares",
    "Skip",
    "Solution",
    "SpreadAtMost",
    "StepBudget",
    "StorageModel",
    "Strategy",
    "StrategyContext",
    "Subject",
    "Sums",
    "UndescribedDatasource",
    "Utilisation",
    "UtilisationNeeds",
    "Verdict",
    "balance",
    "capacity",
    "disable_host",
    "drain",
    "enable_host",
    "host_use",
    "inverse",
    "migrate",
    "option",
    "ranks",
    "refusals",
    "relieve",
    "rested",
    "schema_of",
    "server_use",
    "sizes",
    "standing",
    "unknown_use",
    "utilisation",
    "without_placement",
]
