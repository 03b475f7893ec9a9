"""What lasting aggregates remember comes back from its stored form, after any of their events."""

import dataclasses
from typing import Any, cast, get_type_hints

import pytest

from domain.actuation import Actuation
from domain.audit_templates import AuditTemplate
from domain.audits.audit import Audit
from domain.audits.events import AuditChanged, AuditRunRequested
from domain.catalogue import PluginCatalogue
from domain.cluster_models import ClusterModel
from domain.cluster_models.amendments import ModelAmendments
from domain.command_receipts import CommandReceipt
from domain.kernel.aggregate import Aggregate, Created, Event
from domain.plans.action_plan import ActionPlan
from domain.reservations import NameReservation
from domain.services import WatchedService
from infrastructure.event_log.snapshots import SnapshotCodec, attributes
from tests.golden.events.samples import FORMS, aggregate_classes, product_events, sample

LASTING: tuple[type[Aggregate], ...] = (Audit, ClusterModel, ModelAmendments)
SHORT: tuple[type[Aggregate], ...] = (
    ActionPlan,
    AuditTemplate,
    Actuation,
    PluginCatalogue,
    CommandReceipt,
    NameReservation,
    WatchedService,
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


def born(kind: type[Aggregate], filling: str) -> Aggregate:
    """An aggregate to which nothing has happened since its creation."""
    (creation,) = (cls for cls in events_of(kind) if issubclass(cls, Created))
    event = dataclasses.replace(sample(creation, filling), originator_topic=kind.TOPIC)  # type: ignore[call-arg]
    aggregate = event.mutate(None)
    assert isinstance(aggregate, kind)
    return aggregate


def events_of(kind: type[Aggregate]) -> list[type[Event]]:
    topics = product_events()
    return [cls for topic, cls in topics.items() if topic.startswith(f"{kind.TOPIC}.")]


@pytest.mark.parametrize("kind", [*LASTING, *SHORT])
def test_every_attribute_is_declared_with_its_type_and_no_other(kind: type[Aggregate]) -> None:
    names = {field.name for field in dataclasses.fields(cast("Any", kind))}
    declared = {name for name in names if name[0] != "_"}  # what is private follows from the rest
    assert declared == set(attributes(born(kind, "full")))
    assert declared <= set(get_type_hints(kind))


@pytest.mark.parametrize("kind", LASTING)
def test_what_lasts_has_snapshots(kind: type[Aggregate]) -> None:
    assert kind.SNAPSHOTS


@pytest.mark.parametrize("kind", SHORT)
def test_what_has_a_short_life_has_no_snapshots(kind: type[Aggregate]) -> None:
    assert not kind.SNAPSHOTS


def test_every_kind_of_aggregate_is_one_or_the_other() -> None:
    found = [cls for cls in aggregate_classes() if not cls.__module__.startswith("tests.")]
    product = {cls for cls in found if hasattr(cls, "TOPIC")}
    assert product == {*LASTING, *SHORT}


@pytest.mark.parametrize("filling", FORMS)
@pytest.mark.parametrize(
    ("kind", "happened"), [(kind, event) for kind in LASTING for event in events_of(kind)]
)
def test_after_each_event_all_that_is_remembered_comes_back(
    kind: type[Aggregate], happened: type[Event], filling: str
) -> None:
    form = SnapshotCodec(kind)
    aggregate = born(kind, filling)
    creation = issubclass(happened, Created)
    if kind is Audit and not creation:
        sample(AuditRunRequested, filling).apply(aggregate)
    if not creation:
        event = sample(happened, filling)
        if isinstance(event, AuditChanged):  # its values are what its keys say
            event = AuditChanged(**{**vars(event), "changes": CHANGES})
        event.apply(aggregate)
    again = form.decode(form.encode(aggregate), aggregate.id, aggregate.version)
    assert vars(again) == vars(aggregate)
