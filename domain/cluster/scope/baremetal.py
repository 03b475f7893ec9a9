"""Bare-metal scopes: ``[{"baremetal": [{"exclude": [{"ironic_nodes": …}]}]}]``.

There are no include rules; ``exclude`` removes nodes by uuid.
"""

from dataclasses import dataclass

from domain.cluster.baremetal.model import BaremetalModel
from domain.cluster.scope.parser import (
    NO_NAMES,
    Names,
    read_list,
    read_map,
    read_names,
    refuse_unknown_keys,
    rules_of,
)
from domain.cluster.scope.reasons import BAREMETAL_EMPTY, SCOPE_NAME_UNKNOWN
from domain.cluster.table.columns import BoolArray, bools
from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class BaremetalSelection:
    """What a bare-metal scope selects in a model.

    Attributes:
        nodes: bool[nodes], in scope.
        notes: names in the scope that match nothing, and whether nothing is selected.
    """

    nodes: BoolArray
    notes: tuple[Cause, ...]


@dataclass(frozen=True)
class BaremetalScope:
    """A bare-metal scope.

    Attributes:
        without_nodes: excluded nodes (by uuid).
    """

    without_nodes: Names = NO_NAMES

    def select(self, model: BaremetalModel) -> BaremetalSelection:
        """Evaluates the scope on a model."""
        nodes = ~bools(key in self.without_nodes for key in model.nodes.id)
        notes = tuple(
            Cause(SCOPE_NAME_UNKNOWN, {"kind": "bare-metal node", "name": name})
            for name in sorted(self.without_nodes.names - set(model.nodes.id))
        )
        if not nodes.any():
            notes = (*notes, Cause(BAREMETAL_EMPTY))
        return BaremetalSelection(nodes, notes)

    def apply(self, model: BaremetalModel) -> tuple[BaremetalModel, BaremetalSelection]:
        """The model within the scope, and what was selected."""
        chosen = self.select(model)
        return model.restrict(chosen.nodes), chosen


def parse_baremetal_scope(scope: object) -> BaremetalScope:
    """Reads the bare-metal rules of a scope.

    Args:
        scope: the JSON list; None, the empty list and one without such rules mean everything.

    Raises:
        InvalidValue: names the bad field.
    """
    path, rules = rules_of("baremetal", scope)
    without = NO_NAMES
    for place, data in enumerate(rules):
        where = f"{path}[{place}]"
        rule = read_map(where, data)
        refuse_unknown_keys(where, rule.keys(), frozenset({"exclude"}))
        for number, item in enumerate(read_list(f"{where}.exclude", rule.get("exclude", []))):
            at = f"{where}.exclude[{number}]"
            entry = read_map(at, item)
            refuse_unknown_keys(at, entry.keys(), frozenset({"ironic_nodes"}))
            nodes = entry.get("ironic_nodes", [])
            without = without | read_names(f"{at}.ironic_nodes", nodes, "uuid")
    return BaremetalScope(without)
