"""What was decided about a server or a host: moves, other actions, rejected alternatives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from application.kernel.errors import Unavailable
from application.ports.read_models import ActionPlanView, ActionView, Page, ReadModels
from application.ports.read_tables import ACTION_KEYS
from application.ports.records import RecordStore
from application.queries.plans import plan_explanation
from application.records.decision import DecisionExplanation
from domain.optimization.solution import Rejection, Subject
from domain.plans.proposal import PlannedAction

NEWEST = 100
"""Plans whose rejected alternatives are read; the reasons of older moves are in the read tables."""
LIMIT, UNLIMITED = 50, 1_000_000
"""Actions that are looked up by default, and at most."""
SERVER_KEYS, HOST_KEYS = ACTION_KEYS[:2], ACTION_KEYS


ResourceKind = Literal["server", "host"]


@dataclass(frozen=True)
class Resource:
    """A server or a host that a user names.

    Attributes:
        name: its id or name, in any case.
        kind: None if the user did not say.
    """

    name: str
    kind: ResourceKind | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns of actions to search."""
        return SERVER_KEYS if self.kind == "server" else HOST_KEYS

    def acts_on(self, planned: PlannedAction) -> bool:
        """Whether an action concerns it."""
        given = {**planned.action.parameters, "resource_id": planned.action.resource_id}
        names = ("resource_id", "resource_name", "source_node", "destination_node")
        searched = names[: len(self.keys)]
        return any(self._is(given.get(name)) for name in searched)

    def is_in(self, rejection: Rejection) -> bool:
        """Whether an alternative concerns it: it was considered, or it is among the facts."""
        subject = rejection.subject
        if isinstance(subject, Subject):
            considered = (subject.id, subject.name)
        else:
            considered = (subject.partition(" ")[2], subject)
        return any(map(self._is, (*considered, *rejection.because.facts.values())))

    def _is(self, value: object) -> bool:
        return isinstance(value, str) and value.casefold() == self.name.casefold()


@dataclass(frozen=True)
class DecisionAbout:
    """What one plan decided about a resource.

    Attributes:
        actions: in plan order.
        rejections: alternatives that were considered and rejected; None if they were not read,
            because the plan is not among the newest ones or has no readable explanation.
    """

    plan: ActionPlanView
    actions: tuple[ActionView, ...]
    rejections: tuple[Rejection, ...] | None


def decisions_about(
    reads: ReadModels, records: RecordStore, resource: Resource, limit: int = LIMIT
) -> list[DecisionAbout]:
    """The decisions about a resource, newest first.

    Args:
        reads: finds the actions by an index.
        records: has the rejected alternatives.
        resource: the server or host.
        limit: most actions that are looked up.
    """
    page = Page(limit=limit, descending=True, show_deleted=True)
    found: dict[UUID, ActionView] = {}
    for key in resource.keys:
        found |= {one.uuid: one for one in reads.actions(page, {key: resource.name})}
    actions: dict[UUID, list[ActionView]] = {}
    for one in sorted(found.values(), key=lambda action: action.id)[-limit:]:
        actions.setdefault(one.action_plan_uuid, []).append(one)
    newest = reads.action_plans(Page(limit=NEWEST, descending=True, show_deleted=True), {})
    rejections = dict(_rejections(records, newest, resource))
    plans = {one.uuid: one for one in newest if one.uuid in actions or rejections.get(one.uuid)}
    for uuid in actions.keys() - plans.keys():
        plan = reads.action_plan(uuid, show_deleted=True)
        if plan is not None:
            plans[uuid] = plan
    return [
        DecisionAbout(plan, tuple(actions.get(plan.uuid, ())), rejections.get(plan.uuid))
        for plan in sorted(plans.values(), key=lambda plan: plan.id, reverse=True)
    ]


def explained(
    explanation: DecisionExplanation, wanted: Sequence[Resource]
) -> tuple[list[int], list[Rejection]]:
    """The places of the actions, and the alternatives, that concern all given resources."""
    places = [
        place
        for place, one in enumerate(explanation.actions)
        if all(resource.acts_on(one) for resource in wanted)
    ]
    rejected = [
        one for one in explanation.rejections if all(resource.is_in(one) for resource in wanted)
    ]
    return places, rejected


def _rejections(
    records: RecordStore, plans: Sequence[ActionPlanView], resource: Resource
) -> Iterator[tuple[UUID, tuple[Rejection, ...]]]:
    for plan in plans:
        try:
            explanation = plan_explanation(records, plan.uuid, plan.explanation)
        except Unavailable:
            continue  # ``DecisionAbout.rejections`` says so
        yield plan.uuid, tuple(one for one in explanation.rejections if resource.is_in(one))
