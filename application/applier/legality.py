"""Whether a move is still legal, by the newest collected model and the rules in force now.

A plan was legal when it was made. Meanwhile others may have moved members of a server group, taken
the room, or changed the operator's rules. The cloud's own check looks at one server and one host;
this one looks at everything that the model shows, with Vigil's own moves since it was collected.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from application.cluster_models.record import CurrentModel
from application.ports.operator_rules import RulesDocument, RulesUnreadable
from application.ports.projections import StoreUnavailable
from application.ports.read_models import ServerMove
from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.rules.operator import OperatorRules
from domain.cluster.scope.compute import parse_scope
from domain.cluster.scope.operator_rules import AmbiguousName, parse_rules, resolve_rules
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.plans import ActionSpec
from domain.plans.action_types import MIGRATE
from domain.plans.reasons import NO_LONGER_LEGAL

log = logging.getLogger(__name__)

_OF_THE_CLOUD: Final = frozenset({"ServiceUp", "ServiceEnabled", "NotCurrentHost"})
"""Rules that the handler checks in the cloud itself, which is newer than any model."""
_NOT_OF_A_MOVE: Final = frozenset({"FullyObserved", "MigrationConcurrency"})
"""Rules about what strategies may propose, and limits that the applier counts itself."""
_OF_ROOM: Final = frozenset({"Capacity", "NumaTopology"})
"""Rules about what is allocated on a host. Moves during a collection blur that."""

MovesSince = Callable[[datetime], Sequence[ServerMove]]
"""Returns Vigil's own moves that are in flight, or succeeded after a time."""


class MoveLegality:
    """Checks moves just before they are requested. Thread-safe.

    Args:
        latest: returns the newest compute model; None if there is none that is fresh enough.
        moves_since: of all plans, as the read models show them.
        scope_of: returns the scope of an audit.
        rules: the operator's placement rules for every run.
        policy: the other rules from the configuration.
    """

    def __init__(
        self,
        latest: Callable[[], CurrentModel[ComputeModel] | None],
        moves_since: MovesSince,
        scope_of: Callable[[UUID], list[Any]],
        rules: RulesDocument | None,
        policy: PlacementPolicy,
    ) -> None:
        self._latest = latest
        self._moves_since = moves_since
        self._scope_of = scope_of
        self._rules = rules
        self._policy = policy
        self._lock = threading.Lock()
        self._known: tuple[str, OperatorRules, Constraints] | None = None

    def why_illegal(self, action: ActionSpec, audit: UUID, own: MovesSince) -> Cause | None:
        """Why an action is not to be requested any more; None if nothing speaks against it.

        None, too, for anything but a move to a named host, and if rules or model cannot be had:
        the plan was legal when it was made, and the cloud checks the move itself.

        Args:
            action: it has passed the check of its handler.
            audit: of its plan.
            own: of its plan; the read models may not show them yet.
        """
        if action.type != MIGRATE or not action.parameters.get("destination_node"):
            return None
        try:
            why = self._why_not(action, audit, own)
        except (StoreUnavailable, RulesUnreadable, InvalidValue, AmbiguousName) as unknown:
            log.warning("%s: placement rules are not checked again: %s", action.what, unknown)
            return None
        return None if why is None else Cause(NO_LONGER_LEGAL, {"why": str(why)})

    def _why_not(self, action: ActionSpec, audit: UUID, own: MovesSince) -> Cause | None:
        with self._lock:
            found = self._latest()
            if found is None:
                return None
            model, wanted = found.model, action.parameters
            server = model.server_places.get(str(wanted["resource_id"]))
            host = model.host_places.get(str(wanted["destination_node"]))
            if server is None or host is None:
                return None
            since = found.collected_at
            moves = [*own(since), *self._moves_since(since)]
            moves.sort(key=lambda one: one.started_at)
            branch, touched = _replayed(model, moves)
            if int(branch.host_of[server]) == host:
                return None
            ignored = _OF_THE_CLOUD | _NOT_OF_A_MOVE
            if touched is None or host in touched:
                ignored |= _OF_ROOM
            explained = self._constraints(found.digest, model, audit).explain(branch, server)
            for rule, mask in explained.masks.items():
                if rule not in ignored and not mask[host]:
                    return explained.reasons[rule](host)
            return None

    def _constraints(self, digest: str, model: ComputeModel, audit: UUID) -> Constraints:
        wanted = parse_scope(self._scope_of(audit)).rules
        if self._rules is not None:
            wanted |= parse_rules("", self._rules.read())
        known = self._known
        if known is None or known[:2] != (digest, wanted):
            operator = resolve_rules(wanted, model).rules
            constraints = self._policy.with_rules(operator).constraints(model)
            known = self._known = digest, wanted, constraints
        return known[2]


def _replayed(
    model: ComputeModel, moves: Iterable[ServerMove]
) -> tuple[Branch, frozenset[int] | None]:
    """The model after some moves, and the hosts that they concern; None: possibly any host."""
    branch, touched, anywhere = Branch(model), set[int](), False
    for move in moves:
        server = model.server_places.get(move.server)
        source, to = model.host_places.get(move.source), model.host_places.get(move.destination)
        touched.update(place for place in (source, to) if place is not None)
        anywhere |= to is None
        if server is None or to is None or server in branch.moving:
            continue
        if int(branch.host_of[server]) != source:
            continue  # the model shows it already
        if move.ended_at is None:
            branch.start_move(server, to)
        else:
            branch.move(server, to)
    return branch, None if anywhere else frozenset(touched)
