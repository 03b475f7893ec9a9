"""Histories of real aggregates: a given state, a short one, random ones."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from application.ports.cloud import CLOUD_UNREACHABLE
from application.ports.event_log import EventLog
from domain.audit_templates import AuditTemplate
from domain.audits import Audit, AuditState, AuditType, RunCause
from domain.catalogue import PluginCatalogue, PluginDefinition
from domain.kernel.aggregate import Aggregate, JsonObject
from domain.kernel.errors import Refusal
from domain.kernel.metadata import Actor, Context, Metadata, component
from domain.kernel.reasons import CANCELLED_BY_USER, Cause
from domain.optimization.algorithms.emptying import FREES_HOST
from domain.optimization.strategy import NOTHING_TO_DO
from domain.plans import ActionPlan, PlanState, Proposal
from domain.plans.reasons import EXPIRED, MIGRATION_FAILED, OUTCOME_UNKNOWN, SERVER_NOT_FOUND
from domain.reservations import NameReservation
from tests.given import ADMIN, NOON, context, ident
from tests.world.values import RESULTS, definition, migrations, planned, plugins, proposal, started


def bring_audit(audit: Audit, ctx: Context, state: str) -> None:
    """Brings a PENDING audit into a state, as workers and users would."""
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


def bring_plan(plan: ActionPlan, ctx: Context, state: str) -> None:
    """Brings a RECOMMENDED plan into a state, as an applier and users would."""
    if state == "RECOMMENDED":
        return
    if state == "SUPERSEDED":
        plan.supersede(ctx, Cause(EXPIRED, {"hours": 24}))
        return
    if state == "CANCELLED":
        plan.cancel(ctx, Cause(CANCELLED_BY_USER))
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
            plan.fail_action(ctx, epoch, action, Cause(OUTCOME_UNKNOWN, {"error": "x"}))
        else:
            plan.succeed_action(ctx, epoch, action, {})
    assert plan.state == state


SHORT_AUDIT = ident(0xA0D17)
SHORT_NAME = "evening tidy-up"
LOST = Cause(MIGRATION_FAILED, {"migration": "m-2", "server": "vm-2", "status": "error"})


@dataclass(frozen=True)
class ShortHistory:
    """An audit, its run, and a plan of three migrations of which the second failed.

    Attributes:
        launched: position at which the plan was launched.
        end: position of the last event.
    """

    audit: UUID
    run: UUID
    plan: UUID
    actions: tuple[UUID, ...]
    launched: int
    end: int


def short_history(log: EventLog) -> ShortHistory:
    """Appends the history."""
    wanted = definition(
        name=SHORT_NAME, strategy="vm_workload_consolidation", parameters={"period": 3600}
    )
    audit = Audit.request(context(), SHORT_AUDIT, wanted)
    log.save(audit, NameReservation.reserve(context(), "audit", SHORT_NAME, SHORT_AUDIT))
    assert audit.run is not None
    run = audit.run.id
    epoch = audit.claim_run(context(1), run, "decision-engine/a", "host-a")
    plan = ActionPlan.propose(context(2), _three_migrations(run))
    audit.succeed_run(context(2), run, epoch, plan.id)
    log.save(audit, plan)
    plan.launch(context(10))
    launched = log.save(plan)
    epoch = plan.claim(context(11), "applier/b", "host-a")
    first, second, _ = plan.actions
    plan.intend_action(context(12), epoch, first, {"before": {}})
    plan.succeed_action(context(13), epoch, first, {})
    plan.intend_action(context(14), epoch, second, {"before": {}})
    plan.fail_action(context(15), epoch, second, LOST)
    return ShortHistory(SHORT_AUDIT, run, plan.id, tuple(plan.actions), launched, log.save(plan))


def _three_migrations(run: UUID) -> Proposal:
    def move(number: int) -> Any:
        before = (number - 2,) if number > 1 else ()
        return planned(
            "migrate",
            f"vm-{number}",
            {
                "resource_name": f"web-{number}",
                "source_node": "host-01",
                "destination_node": "host-02",
            },
            Cause(FREES_HOST, {"server": f"web-{number}", "source": "host-01"}),
            parents=before,
            requires=before,
        )

    return proposal(SHORT_AUDIT, run, map(move, (1, 2, 3)), strategy="vm_workload_consolidation")


ENGINE = component("watcher-decision-engine", "watcher-decision-engine/ctl-1/7/1")
GOALS = ("server_consolidation", "dummy", "workload_balancing")
STRATEGIES = {"basic": "server_consolidation", "dummy": "dummy", "stabilise": "workload_balancing"}


def installed(*, without: str = "", suffix: str = "") -> list[PluginDefinition]:
    """The plug-ins of random histories, perhaps without one or with other display names."""
    spec: JsonObject = {"a": 1}
    strategies = {name: (goal, spec) for name, goal in STRATEGIES.items()}
    return plugins(
        GOALS,
        strategies,
        planners=["weight"],
        migrate="Moves it.",
        schema="{}",
        without=without,
        suffix=suffix,
    )


class RandomHistory:
    """Draws the next change from a seed; yields the aggregates that it changed, ready to be saved.

    Args:
        seed: of everything that is drawn.
        actions: most actions of a plan.
    """

    def __init__(self, seed: int, *, actions: int = 4) -> None:
        self._random = Random(seed)
        self._most = actions
        self._seconds = 0.0
        self._count = 0
        self.catalogue = PluginCatalogue.open(self.context())
        self.audits: list[Audit] = []
        self.templates: list[AuditTemplate] = []
        self.plans: list[ActionPlan] = []

    def context(self, actor: Actor = ADMIN) -> Context:
        """Now, a moment later than before."""
        self._seconds += self._random.choice((0.25, 1, 60))
        return Context(NOON + timedelta(seconds=self._seconds), Metadata(actor, "req-1"))

    def ident(self) -> UUID:
        """A new id."""
        return UUID(int=self._random.getrandbits(128), version=4)

    def saves(self, count: int) -> Iterator[tuple[Aggregate, ...]]:
        """The changes, one save at a time."""
        started(self.catalogue, self.context(), installed())
        yield (self.catalogue,)
        changes: list[Callable[[], tuple[Aggregate, ...]]] = [
            self.audit_requested,
            self.template_changes,
            self.audit_changes,
            self.run_continues,
            self.run_continues,
            self.plan_changes,
            self.plan_continues,
            self.plan_continues,
            self.plan_continues,
            self.catalogue_changes,
        ]
        for _ in range(count):
            try:
                touched = self._random.choice(changes)()
            except Refusal:
                continue  # the drawn change is not allowed now
            if any(one.pending_events for one in touched):
                yield touched

    def audit_requested(self) -> tuple[Aggregate, ...]:
        """An audit is requested."""
        self._count += 1
        kind = self._random.choice(list(AuditType))
        strategy, goal = self._random.choice(list(STRATEGIES.items()))
        wanted = definition(
            kind,
            name=f"Audit {self._count}",
            goal=goal,
            strategy=self._random.choice((strategy, None)),
            parameters={"n": self._count},
            scope=[{"compute": []}],
            interval=self._random.choice(("60", "*/5 * * * *", "300"))
            if kind is AuditType.CONTINUOUS
            else None,
        )
        self.audits.append(Audit.request(self.context(), self.ident(), wanted))
        return (self.audits[-1],)

    def template_changes(self) -> tuple[Aggregate, ...]:
        """A template is made, changed or deleted."""
        living = [one for one in self.templates if not one.deleted]
        if not living or self._random.random() < 0.4:
            self._count += 1
            made = AuditTemplate.create(
                self.context(), self.ident(), name=f"Template {self._count}", goal="dummy"
            )
            self.templates.append(made)
            return (made,)
        template = self._random.choice(living)
        if self._random.random() < 0.3:
            template.delete(self.context())
        else:
            strategy = self._random.choice(("dummy", None))
            template.change(self.context(), {"strategy": strategy, "description": "changed"})
        return (template,)

    def audit_changes(self) -> tuple[Aggregate, ...]:
        """A user changes, cancels, suspends, resumes, deletes an audit; or a run falls due."""
        if not self.audits:
            return ()
        audit = self._random.choice(self.audits)
        ctx = self.context()
        lot = self._random.random()
        if lot < 0.4 and audit.audit_type is not AuditType.ONESHOT:
            continuous = audit.audit_type is AuditType.CONTINUOUS
            audit.request_run(ctx, ctx.at, RunCause.SCHEDULE if continuous else RunCause.WEBHOOK)
        elif lot < 0.7:
            audit.change(ctx, {"interval": self._random.choice(("90", "@hourly", "bogus"))})
        else:
            audit.move(ctx, self._random.choice(list(AuditState)))
        return (audit,)

    def run_continues(self) -> tuple[Aggregate, ...]:
        """A decision engine claims, defers, fails or succeeds."""
        running = [one for one in self.audits if one.run is not None]
        if not running:
            return ()
        audit = self._random.choice(running)
        run = audit.run
        if run is None:
            return ()
        ctx = self.context(ENGINE)
        if run.owner is None:
            ctx = Context(max(ctx.at, run.not_before or ctx.at), ctx.metadata)
            epoch = audit.claim_run(ctx, run.id, ENGINE.id, "ctl-1")
            audit.record_inputs(ctx, run.id, epoch, digest="cd" * 32, strategy="basic")
            return (audit,)
        lot = self._random.random()
        because = Cause(CLOUD_UNREACHABLE, {"error": "refused"})
        if lot < 0.2:
            audit.defer_run(ctx, run.id, run.epoch, because, ctx.at + timedelta(seconds=1))
        elif lot < 0.3:
            audit.fail_run(ctx, run.id, run.epoch, because)
        else:
            actions = self._random.randint(0, self._most)
            plan = ActionPlan.propose(ctx, self._proposal(audit, run.id, actions))
            audit.succeed_run(ctx, run.id, run.epoch, plan.id)
            self.plans.append(plan)
            return (plan, audit)
        return (audit,)

    def plan_changes(self) -> tuple[Aggregate, ...]:
        """A user launches, cancels, deletes a plan, or skips one of its actions."""
        if not self.plans:
            return ()
        plan = self._random.choice(self.plans)
        ctx = self.context()
        lot = self._random.random()
        if lot < 0.5:
            plan.move(ctx, self._random.choice(list(PlanState)))
        elif lot < 0.6:
            plan.delete(ctx)
        elif lot < 0.65:
            plan.supersede(ctx, Cause(EXPIRED, {"hours": 24}))
        elif plan.actions:
            action = self._random.choice(list(plan.actions))
            plan.skip_by_user(ctx, action, self._random.choice((None, "not today")))
        return (plan,)

    def plan_continues(self) -> tuple[Aggregate, ...]:
        """An applier launches, claims, starts, ends actions."""
        plans = [one for one in self.plans if one.state in {"RECOMMENDED", "PENDING", "ONGOING"}]
        plans += [one for one in self.plans if one.state == "CANCELLING"]
        if not plans:
            return ()
        plan = self._random.choice(plans)
        ctx = self.context(component("watcher-applier"))
        if plan.state is PlanState.RECOMMENDED:
            plan.launch(ctx)
        elif plan.owner is None:
            plan.claim(ctx, "watcher-applier/ctl-2/9/1", "ctl-2")
        elif plan.state is PlanState.CANCELLING:
            plan.stop(ctx, plan.epoch)
            self._end_one(plan, ctx)
        elif plan.ready() and self._random.random() < 0.6:
            action = plan.ready()[0].spec.id
            if self._random.random() < 0.2:
                gone = Cause(SERVER_NOT_FOUND, {"server": "s"})
                plan.skip_action(ctx, plan.epoch, action, gone)
            else:
                plan.intend_action(ctx, plan.epoch, action, {"server": "s"})
        else:
            self._end_one(plan, ctx)
        return (plan,)

    def catalogue_changes(self) -> tuple[Aggregate, ...]:
        """An upgrade adds, changes or removes plug-ins."""
        without = self._random.choice(("", "basic", "dummy", "migrate"))
        suffix = self._random.choice(("", " 2"))
        started(self.catalogue, self.context(), installed(without=without, suffix=suffix))
        return (self.catalogue,)

    def _proposal(self, audit: Audit, run: UUID, actions: int) -> Proposal:
        notes = () if actions else (Cause(NOTHING_TO_DO),)
        wanted = migrations(actions, required_each=3)
        return proposal(audit.id, run, wanted, goal=audit.goal, notes=notes, **RESULTS)

    def _end_one(self, plan: ActionPlan, ctx: Context) -> None:
        for action in plan.ongoing()[:1]:
            lot = self._random.random()
            if lot < 0.2:
                plan.acknowledge_action(ctx, plan.epoch, action.spec.id, {"migration": 1})
            elif lot < 0.3:
                plan.intend_action(ctx, plan.epoch, action.spec.id, {"server": "again"})
            elif lot < 0.5:
                facts = {"migration": 1, "server": "s", "status": "error"}
                because = Cause(MIGRATION_FAILED, dict(facts))
                plan.fail_action(ctx, plan.epoch, action.spec.id, because)
            else:
                plan.succeed_action(ctx, plan.epoch, action.spec.id, {"host": "cmp-2"})
