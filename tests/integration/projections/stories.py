"""Things that happen to real aggregates, drawn by lot from a seed: logs for projections."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from uuid import UUID

from domain.audit_templates import AuditTemplate
from domain.audits import Audit, AuditDefinition, AuditState, AuditType, RunCause
from domain.catalogue import PluginCatalogue
from domain.catalogue.definitions import PluginDefinition as Installed
from domain.catalogue.definitions import PluginKind
from domain.kernel.aggregate import Aggregate
from domain.kernel.errors import Refusal
from domain.kernel.metadata import Actor, ActorKind, Context, Metadata, component
from domain.kernel.reasons import Cause, Reason
from domain.plans import ActionPlan, EfficacyIndicator, PlanState, Proposal
from domain.plans.proposal import PlannedAction, ProposedAction
from tests.given import NOON

ADMIN = Actor(ActorKind.USER, "u-1", "admin", "p-1")
ENGINE = component("watcher-decision-engine", "watcher-decision-engine/ctl-1/7/1")
GOALS = ("server_consolidation", "dummy", "workload_balancing")
STRATEGIES = {"basic": "server_consolidation", "dummy": "dummy", "stabilise": "workload_balancing"}


def installed(*, without: str = "", suffix: str = "") -> list[Installed]:
    """What an installation offers, perhaps without one plug-in or with other display names."""
    indicator = {"name": "released", "description": "Freed.", "unit": None, "schema": "{}"}
    found = [
        Installed(PluginKind.GOAL, g, g.title() + suffix, {"efficacy_specification": [indicator]})
        for g in GOALS
    ]
    found += [
        Installed(PluginKind.STRATEGY, s, s.title(), {"goal": g, "parameters_spec": {"a": 1}})
        for s, g in STRATEGIES.items()
    ]
    found += [
        Installed(PluginKind.PLANNER, "weight", "Weight", {}),
        Installed(PluginKind.ACTION_TYPE, "migrate", "Migrate", {"description": "Moves it."}),
        Installed(
            PluginKind.SCORING_ENGINE,
            "dummy_scorer",
            "Scorer",
            {"description": "Scores.", "metainfo": "{}"},
        ),
    ]
    return [one for one in found if one.name != without]


def proposal(audit: Audit, run: UUID, actions: int, strategy: str = "basic") -> Proposal:
    """A plan in which each action waits for the one before and every third also requires it."""
    planned = tuple(
        PlannedAction(
            ProposedAction(
                "migrate",
                f"server-{place}",
                {"source_node": "cmp-1", "destination_node": "cmp-2"},
                Cause(Reason.FREES_HOST, {"server": f"server-{place}", "source": "cmp-1"}),
            ),
            parents=(place - 1,) if place else (),
            requires=(place - 1,) if place and place % 3 == 0 else (),
        )
        for place in range(actions)
    )
    notes = () if actions else (Cause(Reason.NOTHING_TO_DO),)
    return Proposal(
        audit_id=audit.id,
        run_id=run,
        goal=audit.goal,
        strategy=strategy,
        planner="weight",
        record="ab" * 32,
        explanation="ef" * 32,
        actions=planned,
        indicators=(EfficacyIndicator("released", "Freed.", None, 1.0),),
        global_efficacy=(EfficacyIndicator("ratio", "Share.", "%", 33.3),),
        notes=notes,
    )


class Story:
    """Draws what happens next; yields the aggregates that it happened to, ready to be saved.

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

    def chapters(self, count: int) -> Iterator[tuple[Aggregate, ...]]:
        """What happens, one save at a time."""
        self.catalogue.synchronise(self.context(), installed())
        yield (self.catalogue,)
        happenings: list[Callable[[], tuple[Aggregate, ...]]] = [
            self.audit_requested,
            self.template_moves,
            self.audit_moves,
            self.run_goes_on,
            self.run_goes_on,
            self.plan_moves,
            self.plan_goes_on,
            self.plan_goes_on,
            self.plan_goes_on,
            self.catalogue_moves,
        ]
        for _ in range(count):
            try:
                touched = self._random.choice(happenings)()
            except Refusal:
                continue  # the story drew something that may not happen: nothing did
            if any(one.pending_events for one in touched):
                yield touched

    def audit_requested(self) -> tuple[Aggregate, ...]:
        """Somebody asks for an audit."""
        self._count += 1
        kind = self._random.choice(list(AuditType))
        strategy, goal = self._random.choice(list(STRATEGIES.items()))
        definition = AuditDefinition(
            name=f"Audit {self._count}",
            audit_type=kind,
            goal=goal,
            strategy=self._random.choice((strategy, None)),
            parameters={"n": self._count},
            scope=[{"compute": []}],
            interval=self._random.choice(("60", "*/5 * * * *", "300"))
            if kind is AuditType.CONTINUOUS
            else None,
        )
        self.audits.append(Audit.request(self.context(), self.ident(), definition))
        return (self.audits[-1],)

    def template_moves(self) -> tuple[Aggregate, ...]:
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

    def audit_moves(self) -> tuple[Aggregate, ...]:
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

    def run_goes_on(self) -> tuple[Aggregate, ...]:
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
        because = Cause(Reason.CLOUD_UNREACHABLE, {"error": "refused"})
        if lot < 0.2:
            audit.defer_run(ctx, run.id, run.epoch, because, ctx.at + timedelta(seconds=1))
        elif lot < 0.3:
            audit.fail_run(ctx, run.id, run.epoch, because)
        else:
            actions = self._random.randint(0, self._most)
            plan = ActionPlan.propose(ctx, proposal(audit, run.id, actions))
            audit.succeed_run(ctx, run.id, run.epoch, plan.id)
            self.plans.append(plan)
            return (plan, audit)
        return (audit,)

    def plan_moves(self) -> tuple[Aggregate, ...]:
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
            plan.supersede(ctx, Cause(Reason.EXPIRED, {"hours": 24}))
        elif plan.actions:
            action = self._random.choice(list(plan.actions))
            plan.skip_by_user(ctx, action, self._random.choice((None, "not today")))
        return (plan,)

    def plan_goes_on(self) -> tuple[Aggregate, ...]:
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
                gone = Cause(Reason.SERVER_NOT_FOUND, {"server": "s"})
                plan.skip_action(ctx, plan.epoch, action, gone)
            else:
                plan.intend_action(ctx, plan.epoch, action, {"server": "s"})
        else:
            self._end_one(plan, ctx)
        return (plan,)

    def catalogue_moves(self) -> tuple[Aggregate, ...]:
        """An upgrade brings, changes or removes plug-ins."""
        without = self._random.choice(("", "basic", "dummy", "migrate"))
        suffix = self._random.choice(("", " 2"))
        self.catalogue.synchronise(self.context(), installed(without=without, suffix=suffix))
        return (self.catalogue,)

    def _end_one(self, plan: ActionPlan, ctx: Context) -> None:
        for action in plan.ongoing()[:1]:
            lot = self._random.random()
            if lot < 0.2:
                plan.acknowledge_action(ctx, plan.epoch, action.spec.id, {"migration": 1})
            elif lot < 0.3:
                plan.intend_action(ctx, plan.epoch, action.spec.id, {"server": "again"})
            elif lot < 0.5:
                facts = {"migration": 1, "server": "s", "status": "error"}
                because = Cause(Reason.MIGRATION_FAILED, dict(facts))
                plan.fail_action(ctx, plan.epoch, action.spec.id, because)
            else:
                plan.succeed_action(ctx, plan.epoch, action.spec.id, {"host": "cmp-2"})
