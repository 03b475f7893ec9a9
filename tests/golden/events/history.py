"""A short life of every kind of aggregate."""

from datetime import timedelta
from itertools import count
from uuid import UUID

from application.ports.cloud import CLOUD_UNREACHABLE
from domain.audit_templates import AuditTemplate
from domain.audits import Audit
from domain.catalogue import PluginCatalogue, PluginDefinition, PluginKind
from domain.cluster.compute.disabled_reasons import DISABLED_BY_CONSOLIDATION
from domain.cluster_models import ClusterModel, CompleteCollection
from domain.command_receipts import CommandReceipt
from domain.kernel.aggregate import Aggregate, JsonObject
from domain.kernel.metadata import Actor, ActorKind, Context, Metadata
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST, HOST_EMPTIED
from domain.plans import ActionPlan
from domain.plans.action_types.change_nova_service_state import SERVICE_ALREADY_IN_STATE
from domain.plans.reasons import MIGRATION_FAILED, STILL_RUNNING
from domain.reservations import NameReservation
from tests.given import NOON
from tests.world.values import definition, planned, proposal, started

GOLDEN_AUDIT = UUID(int=0xA)
GOLDEN_TEMPLATE = UUID(int=0xB)
GOLDEN_SECOND = UUID(int=0xC)


class _Seconds:
    """Contexts of which each is a second later than the one before."""

    def __init__(self) -> None:
        self._ticks = count()

    def ctx(self, name: str = "admin") -> Context:
        at = NOON + timedelta(seconds=next(self._ticks))
        return Context(at, Metadata(Actor(ActorKind.USER, "u-1", name, "p-1"), "req-1", None, 1))


def golden_history() -> list[Aggregate]:
    """A short life of every kind of aggregate, its events pending: the same in each run.

    Its stored form is the latest story in tests/golden/events: nothing here may change.
    """
    clock = _Seconds()
    audit, plan = _golden_audit_and_plan(clock)
    template = AuditTemplate.create(
        clock.ctx(), GOLDEN_TEMPLATE, name="nightly", goal="server_consolidation"
    )
    template.change(clock.ctx(), {"description": "each night", "goal": "dummy"})
    template.delete(clock.ctx())
    name = NameReservation.reserve(clock.ctx(), "audit", "Nightly", GOLDEN_AUDIT)
    name.release(clock.ctx(), GOLDEN_AUDIT)
    name.take(clock.ctx(), "nightly", GOLDEN_TEMPLATE)
    catalogue = PluginCatalogue.open(clock.ctx())
    goal = PluginDefinition(PluginKind.GOAL, "dummy", "Dummy goal", {"efficacy_specification": []})
    started(catalogue, clock.ctx(), [goal])
    started(catalogue, clock.ctx(), [])
    receipt = CommandReceipt.write(clock.ctx(), "key", "0" * 64, GOLDEN_AUDIT)
    first = [audit, plan, template, name, catalogue, receipt]
    return [*first, *_golden_failure(clock), _golden_model(clock)]


def _golden_audit_and_plan(clock: _Seconds) -> tuple[Audit, ActionPlan]:
    server = "0c0c1d3a-0000-4000-8000-000000000001"
    wanted = definition(name="a", parameters={"limit": 0.8})
    audit = Audit.request(clock.ctx(), GOLDEN_AUDIT, wanted)
    run = audit.run
    assert run is not None
    epoch = audit.claim_run(clock.ctx("engine"), run.id, "engine/1", "host-1")
    audit.record_inputs(
        clock.ctx("engine"), run.id, epoch, digest="d" * 64, strategy="vm_workload_consolidation"
    )
    actions = (
        planned(
            "migrate",
            server,
            {"migration_type": "live", "source_node": "c1", "destination_node": "c2"},
            Cause(FREES_HOST, {"server": server, "source": "c1"}),
        ),
        planned(
            "change_nova_service_state",
            "c1",
            {"state": "disabled"},
            Cause(HOST_EMPTIED, {"host": "c1"}),
            parents=(0,),
            requires=(0,),
        ),
    )
    wanted_plan = proposal(GOLDEN_AUDIT, run.id, actions, strategy="vm_workload_consolidation")
    plan = ActionPlan.propose(clock.ctx("engine"), wanted_plan)
    audit.succeed_run(clock.ctx("engine"), run.id, epoch, plan.id)
    plan.launch(clock.ctx())
    held = plan.claim(clock.ctx("applier"), "applier/1", "host-1")
    first, second = plan.actions
    plan.intend_action(clock.ctx("applier"), held, first, {"server": server, "host": "c1"})
    plan.acknowledge_action(clock.ctx("applier"), held, first, {"migration": 12})
    plan.succeed_action(clock.ctx("applier"), held, first, {"host": "c2"})
    plan.skip_action(
        clock.ctx("applier"),
        held,
        second,
        Cause(SERVICE_ALREADY_IN_STATE, {"host": "c1", "state": "disabled"}),
    )
    return audit, plan


def _golden_failure(clock: _Seconds) -> list[Aggregate]:
    """A plan of which a move is aborted, what it changed besides, and what undoes that."""
    audit = Audit.request(clock.ctx(), GOLDEN_SECOND, definition(name="b"))
    run = audit.run
    assert run is not None
    actions = [
        planned(
            "change_nova_service_state",
            "c1",
            {
                "state": "disabled",
                "resource_name": "c1",
                "disabled_reason": DISABLED_BY_CONSOLIDATION,
            },
            Cause(HOST_EMPTIED, {"host": "c1"}),
        ),
        *(
            planned(
                "migrate",
                server,
                {"migration_type": "live", "source_node": "c1", "destination_node": "c2"},
                Cause(FREES_HOST, {"server": server, "source": "c1"}),
                parents=(0,),
            )
            for server in ("s-1", "s-2")
        ),
    ]
    plan = ActionPlan.propose(clock.ctx("engine"), proposal(GOLDEN_SECOND, run.id, actions))
    plan.launch(clock.ctx())
    held = plan.claim(clock.ctx("applier"), "applier/1", "host-1", return_if_failed=True)
    disabling, moved, broken = plan.actions
    for action, host in ((disabling, "c1"), (moved, "c2")):
        plan.intend_action(clock.ctx("applier"), held, action, {"host": "c1"})
        plan.succeed_action(clock.ctx("applier"), held, action, {"host": host})
    plan.intend_action(clock.ctx("applier"), held, broken, {"host": "c1"})
    late = Cause(STILL_RUNNING, {"seconds": 900, "status": "running"})
    plan.intend_step(clock.ctx("applier"), held, broken, "abort", late)
    plan.acknowledge_step(clock.ctx("applier"), held, broken, "abort", {"migration": 13})
    lost: JsonObject = {"migration": "13", "server": "s-2", "status": "cancelled"}
    plan.fail_action(clock.ctx("applier"), held, broken, Cause(MIGRATION_FAILED, lost))
    enabling = list(plan.actions)[-1]
    plan.intend_action(clock.ctx("applier"), held, enabling, {"host": "c1"})
    plan.succeed_action(clock.ctx("applier"), held, enabling, {"host": "c1"})
    request = plan.returns.request
    assert request is not None
    back = planned(
        "migrate",
        "s-1",
        {"migration_type": "live", "source_node": "c2", "destination_node": "c1"},
        Cause(FREES_HOST, {"server": "s-1", "source": "c2"}),
    )
    undoing = proposal(GOLDEN_SECOND, request.run_id, [back], undoes=plan.id)
    undone = ActionPlan.propose(clock.ctx("engine"), undoing)
    plan.complete_return(clock.ctx("engine"), request.number)
    return [audit, plan, undone]


def _golden_model(clock: _Seconds) -> ClusterModel:
    model = ClusterModel.open(clock.ctx("engine"), "cloud-1", "compute")

    def collected(digest: str) -> CompleteCollection:
        problem = Cause(FREES_HOST, {"server": "s-1", "source": "c1"})
        return CompleteCollection(
            digest=digest * 64,
            sizes={"hosts": 2, "servers": 2},
            calls=3,
            seconds=1.5,
            problems=(problem,),
            changes={"servers_moved": 1},
        )

    model.record_collection(clock.ctx("engine"), collected("a"))
    model.fail(clock.ctx("engine"), Cause(CLOUD_UNREACHABLE, {"error": "timed out"}))
    model.record_collection(clock.ctx("engine"), collected("a"))
    model.record_collection(clock.ctx("engine"), collected("b"))
    return model
