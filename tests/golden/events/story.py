"""A short life of every kind of aggregate, as a log: the same in each run."""

from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from domain.audit_templates import AuditTemplate
from domain.audits import Audit, AuditDefinition, AuditType
from domain.catalogue import PluginCatalogue, PluginKind
from domain.catalogue import PluginDefinition as PlugIn
from domain.command_receipts import CommandReceipt
from domain.kernel.aggregate import Aggregate
from domain.kernel.metadata import Actor, ActorKind, Context, Metadata
from domain.kernel.reasons import Cause, Reason
from domain.plans.action_plan import ActionPlan
from domain.plans.proposal import PlannedAction, Proposal, ProposedAction
from domain.reservations import NameReservation

_BEGIN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
AUDIT = UUID(int=0xA)
TEMPLATE = UUID(int=0xB)
SERVER = "0c0c1d3a-0000-4000-8000-000000000001"


class Clock:
    """Each look is a second later than the one before."""

    def __init__(self) -> None:
        self._ticks = count()

    def ctx(self, name: str = "admin") -> Context:
        at = _BEGIN + timedelta(seconds=next(self._ticks))
        return Context(at, Metadata(Actor(ActorKind.USER, "u-1", name, "p-1"), "req-1", None, 1))


def story() -> list[Aggregate]:
    """Aggregates with everything that happened to them pending."""
    clock = Clock()
    audit, plan = _audit_and_plan(clock)
    template = AuditTemplate.create(
        clock.ctx(), TEMPLATE, name="nightly", goal="server_consolidation"
    )
    template.change(clock.ctx(), {"description": "each night", "goal": "dummy"})
    template.delete(clock.ctx())
    name = NameReservation.reserve(clock.ctx(), "audit", "Nightly", AUDIT)
    name.release(clock.ctx(), AUDIT)
    name.take(clock.ctx(), "nightly", TEMPLATE)
    catalogue = PluginCatalogue.open(clock.ctx())
    goal = PlugIn(PluginKind.GOAL, "dummy", "Dummy goal", {"efficacy_specification": []})
    catalogue.synchronise(clock.ctx(), [goal])
    catalogue.synchronise(clock.ctx(), [])
    receipt = CommandReceipt.write(clock.ctx(), "key", "0" * 64, AUDIT)
    return [audit, plan, template, name, catalogue, receipt]


def _audit_and_plan(clock: Clock) -> tuple[Audit, ActionPlan]:
    audit = Audit.request(
        clock.ctx(),
        AUDIT,
        AuditDefinition("a", AuditType.ONESHOT, "server_consolidation", None, {"limit": 0.8}, []),
    )
    run = audit.run
    assert run is not None
    epoch = audit.claim_run(clock.ctx("engine"), run.id, "engine/1", "host-1")
    audit.record_inputs(
        clock.ctx("engine"), run.id, epoch, digest="d" * 64, strategy="vm_workload_consolidation"
    )
    plan = ActionPlan.propose(clock.ctx("engine"), _proposal(run.id))
    audit.succeed_run(clock.ctx("engine"), run.id, epoch, plan.id)
    plan.launch(clock.ctx())
    held = plan.claim(clock.ctx("applier"), "applier/1", "host-1")
    first, second = plan.actions
    plan.intend_action(clock.ctx("applier"), held, first, {"server": SERVER, "host": "c1"})
    plan.acknowledge_action(clock.ctx("applier"), held, first, {"migration": 12})
    plan.succeed_action(clock.ctx("applier"), held, first, {"host": "c2"})
    plan.skip_action(
        clock.ctx("applier"),
        held,
        second,
        Cause(Reason.SERVICE_ALREADY_IN_STATE, {"host": "c1", "state": "disabled"}),
    )
    return audit, plan


def _proposal(run: UUID) -> Proposal:
    migrate = ProposedAction(
        "migrate",
        SERVER,
        {"migration_type": "live", "source_node": "c1", "destination_node": "c2"},
        Cause(Reason.FREES_HOST, {"server": SERVER, "source": "c1"}),
    )
    disable = ProposedAction(
        "change_nova_service_state",
        "c1",
        {"state": "disabled"},
        Cause(Reason.HOST_EMPTIED, {"host": "c1"}),
    )
    return Proposal(
        audit_id=AUDIT,
        run_id=run,
        goal="server_consolidation",
        strategy="vm_workload_consolidation",
        planner="weight",
        record="d" * 64,
        explanation="e" * 64,
        actions=(PlannedAction(migrate, ()), PlannedAction(disable, (0,), (0,))),
    )
