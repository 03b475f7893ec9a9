"""Clusters as columns: models, branches of them, and the rules of placement."""

from domain.cluster.branch import Branch, Move, Switch
from domain.cluster.checker import Checker
from domain.cluster.compute import ComputeModel
from domain.cluster.constraints import Constraints, Explanation
from domain.cluster.load import Load
from domain.cluster.rows import AggregateRow, GroupRow, HostRow, Quarantined, ServerRow
from domain.cluster.rules.flights import Concurrency
from domain.cluster.rules.operator import Fence, OperatorRules
from domain.cluster.scope import Scope, Selection, parse_scope

__all__ = [
    "AggregateRow",
    "Branch",
    "Checker",
    "ComputeModel",
    "Concurrency",
    "Constraints",
    "Explanation",
    "Fence",
    "GroupRow",
    "HostRow",
    "Load",
    "Move",
    "OperatorRules",
    "Quarantined",
    "Scope",
    "Selection",
    "ServerRow",
    "Switch",
    "parse_scope",
]
