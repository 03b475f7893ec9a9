"""What workers and users do to audits and plans, for tests of the API."""

from uuid import UUID

from application.records.decision import FORMAT, DecisionExplanation
from domain.audits import Audit, AuditState
from domain.kernel.metadata import Context
from domain.kernel.reasons import Cause, Reason
from domain.optimization.solution import Rejection
from domain.plans.action import EfficacyIndicator
from domain.plans.action_plan import ActionPlan
from domain.plans.events import PlanState
from domain.plans.proposal import PlannedAction, Proposal, ProposedAction


def proposal(audit: UUID, run: UUID, actions: int) -> Proposal:
    """A plan in which each action waits for the one before."""
    return Proposal(
        audit_id=audit,
        run_id=run,
        goal="server_consolidation",
        strategy="basic",
        planner="weight",
        record="0" * 64,
        explanation="1" * 64,
        actions=tuple(
            PlannedAction(
                ProposedAction(
                    "migrate",
                    f"server-{place}",
                    {"source_node": "cmp-1", "destination_node": "cmp-2"},
                    Cause(Reason.FREES_HOST, {"server": f"server-{place}", "source": "cmp-1"}),
                ),
                parents=(place - 1,) if place else (),
                requires=(),
            )
            for place in range(actions)
        ),
        indicators=(EfficacyIndicator("released_compute_nodes_count", "Freed.", None, 1.0),),
        global_efficacy=(EfficacyIndicator("released_nodes_ratio", "Share.", "%", 33.25),),
    )


def explained(wanted: Proposal) -> DecisionExplanation:
    """The reasons of a proposal, as a decision engine records them."""
    full = Cause(Reason.CAPACITY_SHORT, {"host": "cmp-3", "resource": "memory"})
    return DecisionExplanation(
        format=FORMAT,
        record=wanted.record,
        actions=list(wanted.actions),
        rejections=[Rejection("server server-9", full)],
        notes=[Cause(Reason.HOST_EMPTIED, {"host": "cmp-1"})],
        indicators={"released_compute_nodes_count": 1.0},
    )


def audit_into(audit: Audit, ctx: Context, state: str) -> None:
    """Brings a PENDING audit into a state."""
    route = {
        "PENDING": [],
        "ONGOING": ["ONGOING"],
        "SUCCEEDED": ["ONGOING", "SUCCEEDED"],
        "FAILED": ["ONGOING", "FAILED"],
        "CANCELLED": ["CANCELLED"],
        "SUSPENDED": ["ONGOING", "SUSPENDED"],
    }[state]
    for step in route:
        audit.move(ctx, AuditState(step))


def plan_into(plan: ActionPlan, ctx: Context, state: str) -> None:
    """Brings a RECOMMENDED plan into a state, as an applier and users would."""
    if state == "RECOMMENDED":
        return
    if state == "SUPERSEDED":
        plan.supersede(ctx, Cause(Reason.EXPIRED, {"hours": 24}))
        return
    if state == "CANCELLED":
        plan.cancel(ctx, Cause(Reason.CANCELLED_BY_USER))
        return
    plan.launch(ctx)
    if state == "PENDING":
        return
    epoch = plan.claim(ctx, "applier/1", "ctl-1")
    if state == "ONGOING":
        return
    if state == "CANCELLING":
        plan.move(ctx, PlanState.CANCELLING)
        return
    for action in list(plan.actions):
        plan.intend_action(ctx, epoch, action, {})
        if state == "FAILED":
            plan.fail_action(ctx, epoch, action, Cause(Reason.OUTCOME_UNKNOWN, {"error": "x"}))
        else:
            plan.succeed_action(ctx, epoch, action, {})
    assert plan.state == state
