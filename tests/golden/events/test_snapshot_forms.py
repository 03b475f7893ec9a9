"""What lasting aggregates remember comes back from its stored form, after any of their events."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from application.kernel.unit_of_work import CommandReceipt
from domain.audit_templates import AuditTemplate
from domain.audits.audit import Audit
from domain.audits.events import AuditChanged, AuditRunRequested
from domain.catalogue import PluginCatalogue
from domain.cluster_models import ClusterModel
from domain.cluster_models.amendments import ModelAmendments
from domain.kernel.aggregate import Aggregate, Created, Event
from domain.plans.action_plan import ActionPlan
from domain.reservations import NameReservation
from infrastructure.event_log.snapshots import SnapshotCodec, attributes
from tests.golden.events.samples import FORMS, product_events, sample

LASTING: tuple[type[Aggregate], ...] = (Audit, ClusterModel, ModelAmendments)
SHORT: tuple[type[Aggregate], ...] = (
    ActionPlan,
    AuditTemplate,
    PluginCatalogue,
    CommandReceipt,
    NameReservation,
)
CHANGES: dict[str, object] = {
    "name": "ü",
    "interval": "*/5 * * * *",
    "start_time": "2026-11-24T12:00:00+00:00",
    "end_time": None,
    "auto_trigger": True,
    "parameters": {"period": 1.5, "hosts": [{"name": None}]},
    "scope": [{"compute": []}],
}


def born(kind: type[Aggregate]) -> Aggregate:
    """An aggregate to which nothing has happened yet."""
    fresh = kind.__new__(kind)
    fresh.__base_init__(UUID(int=1), 1, datetime(2026, 11, 24, tzinfo=UTC))
    fresh.__init__()  # type: ignore[misc]
    return fresh


def events_of(kind: type[Aggregate]) -> list[type[Event]]:
    topics = product_events()
    return [cls for topic, cls in topics.items() if topic.startswith(f"{kind.TOPIC}.")]


@pytest.mark.parametrize("kind", LASTING)
def test_a_form_types_each_attribute_and_no_other(kind: type[Aggregate]) -> None:
    form = kind.form()
    assert form is not None
    assert set(form.__annotations__) == set(attributes(born(kind)))


@pytest.mark.parametrize("kind", SHORT)
def test_what_has_a_short_life_has_no_form(kind: type[Aggregate]) -> None:
    assert kind.form() is None


def test_every_kind_of_aggregate_is_one_or_the_other() -> None:
    product = {cls for cls in Aggregate.__subclasses__() if not cls.__module__.startswith("tests.")}
    assert product == {*LASTING, *SHORT}


@pytest.mark.parametrize("filling", FORMS)
@pytest.mark.parametrize(
    ("kind", "happened"), [(kind, event) for kind in LASTING for event in events_of(kind)]
)
def test_after_each_event_all_that_is_remembered_comes_back(
    kind: type[Aggregate], happened: type[Event], filling: str
) -> None:
    types = kind.form()
    assert types is not None
    form = SnapshotCodec(kind, types)
    (creation,) = (cls for cls in events_of(kind) if issubclass(cls, Created))
    aggregate = born(kind)
    sample(creation, filling).apply(aggregate)
    if kind is Audit and happened is not creation:
        sample(AuditRunRequested, filling).apply(aggregate)
    if happened is not creation:
        event = sample(happened, filling)
        if isinstance(event, AuditChanged):  # its values are what its keys say
            event = AuditChanged(**{**vars(event), "changes": CHANGES})
        event.apply(aggregate)
    again = form.decode(form.encode(aggregate), aggregate.id, aggregate.version)
    assert vars(again) == vars(aggregate)
