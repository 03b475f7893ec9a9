"""A short history: an audit, its run, and a plan of three migrations that went wrong half-way."""

from dataclasses import dataclass
from uuid import UUID

from application.ports.event_log import EventLog
from domain.audits import Audit, AuditDefinition, AuditType
from domain.kernel.reasons import Cause, Reason
from domain.plans import ActionPlan, Proposal
from domain.plans.proposal import PlannedAction, ProposedAction
from domain.reservations import NameReservation
from tests.given import context, ident

AUDIT = ident(0xA0D17)
NAME = "evening tidy-up"
LOST = Cause(Reason.MIGRATION_FAILED, {"migration": "m-2", "server": "vm-2", "status": "error"})


@dataclass(frozen=True)
class Story:
    """What was made.

    Attributes:
        end: position of the last event.
        launched: position at which the plan was launched.
    """

    audit: UUID
    run: UUID
    plan: UUID
    actions: tuple[UUID, ...]
    launched: int
    end: int


def tell(log: EventLog) -> Story:
    """Appends the history."""
    definition = AuditDefinition(
        name=NAME,
        audit_type=AuditType.ONESHOT,
        goal="server_consolidation",
        strategy="vm_workload_consolidation",
        parameters={"period": 3600},
        scope=[],
    )
    audit = Audit.request(context(), AUDIT, definition)
    log.save(audit, NameReservation.reserve(context(), "audit", NAME, AUDIT))
    audit = _reload(log)
    assert audit.run is not None
    run = audit.run.id
    epoch = audit.claim_run(context(1), run, "decision-engine/a", "host-a")
    plan = ActionPlan.propose(context(2), _proposal(run))
    audit.succeed_run(context(2), run, epoch, plan.id)
    log.save(audit, plan)
    return _execute(log, run, plan.id)


def _reload(log: EventLog) -> Audit:
    audit = log.find(Audit, AUDIT)
    assert audit is not None
    return audit


def _proposal(run: UUID) -> Proposal:
    def move(number: int) -> PlannedAction:
        return PlannedAction(
            ProposedAction(
                "migrate",
                f"vm-{number}",
                {
                    "resource_name": f"web-{number}",
                    "source_node": "host-01",
                    "destination_node": "host-02",
                },
                Cause(Reason.FREES_HOST, {"server": f"web-{number}", "source": "host-01"}),
            ),
            parents=(number - 2,) if number > 1 else (),
            requires=(number - 2,) if number > 1 else (),
        )

    return Proposal(
        audit_id=AUDIT,
        run_id=run,
        goal="server_consolidation",
        strategy="vm_workload_consolidation",
        planner="weight",
        record="d" * 64,
        explanation="e" * 64,
        actions=(move(1), move(2), move(3)),
    )


def _execute(log: EventLog, run: UUID, plan_id: UUID) -> Story:
    plan = log.find(ActionPlan, plan_id)
    assert plan is not None
    plan.launch(context(10))
    launched = log.save(plan)
    epoch = plan.claim(context(11), "applier/b", "host-a")
    first, second, _ = plan.actions
    plan.intend_action(context(12), epoch, first, {"before": {}})
    plan.succeed_action(context(13), epoch, first, {})
    plan.intend_action(context(14), epoch, second, {"before": {}})
    plan.fail_action(context(15), epoch, second, LOST)
    actions = tuple(plan.actions)
    return Story(AUDIT, run, plan_id, actions, launched, log.save(plan))
