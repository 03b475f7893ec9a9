"""History can be read for ever, and what is stored does not change unnoticed."""

from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec
import pytest
from eventsourcing.persistence import StoredEvent

from application.kernel.product_reasons import product_reasons
from application.ports.event_log import RecordedEvent
from domain.audit_templates import AuditTemplate
from domain.audits.audit import Audit
from domain.audits.events import AuditState
from domain.catalogue import PluginCatalogue
from domain.cluster_models.events import ClusterModelCollected
from domain.command_receipts import CommandReceipt
from domain.kernel.aggregate import Aggregate
from domain.kernel.ids import CATALOGUE_ID, command_id, reservation_id
from domain.plans.action import ActionState
from domain.plans.action_plan import ActionPlan
from domain.plans.events import PlanState
from domain.reservations import NameReservation
from infrastructure.event_log import SqlEventLog
from infrastructure.event_log.event_types import event_types
from infrastructure.event_log.mapper import Mapper
from tests.golden.events.generate import lines, present, rows, stories, values
from tests.golden.events.history import GOLDEN_AUDIT, GOLDEN_TEMPLATE
from tests.golden.events.samples import FORMS, product_events, sample, vocabularies

A = TypeVar("A", bound=Aggregate)
HOW = (
    "a stored form changed or is new. New class: python -m tests.golden.events.generate. "
    "Changed class: raise its class_version, add the upcaster (not for a field that is added with "
    "a default), then the same command."
)


@pytest.mark.parametrize("topic", product_events())
def test_every_event_is_stored_as_the_golden_log_says(topic: str) -> None:
    golden = {
        (version, line.form): bytes(line.state) for version, line in lines() if line.topic == topic
    }
    today = {
        (version, line.form): bytes(line.state)
        for version, line in present()
        if line.topic == topic
    }
    assert {key: golden.get(key) for key in today} == today, HOW


def test_every_golden_line_of_any_version_is_read() -> None:
    mapper = Mapper(event_types)
    latest = {(version, line.topic, line.form): line for version, line in lines()}
    for version, line in lines():
        stored = StoredEvent(UUID(int=1), 1, line.topic, bytes(line.state))
        event = mapper.to_event(stored)
        assert event.originator_id == stored.originator_id
        if version == getattr(type(event), "class_version", 1):
            assert event == sample(type(event), line.form)
            if line is latest[version, line.topic, line.form]:
                assert mapper.to_stored(event) == stored


def test_a_collected_model_of_the_first_version_tells_its_sizes_by_name() -> None:
    """Then there were compute models only; its changes already had the names that they have."""
    (stored,) = (
        StoredEvent(UUID(int=1), 1, line.topic, bytes(line.state))
        for version, line in lines()
        if (version, line.topic, line.form) == (1, ClusterModelCollected.TOPIC, "full")
    )
    event = Mapper(event_types).to_event(stored)
    assert isinstance(event, ClusterModelCollected)
    assert event.sizes == {"hosts": 7, "servers": 7}
    assert event.changes is not None
    assert event.changes["servers_moved"] == 7


def test_the_golden_log_holds_each_form_once() -> None:
    keys = [(version, line.topic, line.form, bytes(line.state)) for version, line in lines()]
    assert len(keys) == len(set(keys))
    assert {form for _, _, form, _ in keys} == set(FORMS)


def test_no_stored_value_of_an_enumeration_is_forgotten() -> None:
    today = vocabularies() | {"Reason": sorted(reason.code for reason in product_reasons())}
    assert len(today["Reason"]) > 50
    for name, golden in values().items():
        assert set(golden) <= set(today[name]), f"{name}: old events hold values that are gone"
    assert today == values(), HOW


def test_a_changed_form_would_be_noticed() -> None:
    """The control: an event that lost a field has other bytes than the golden log."""
    (cls,) = (cls for topic, cls in product_events().items() if topic == "audit.run-claimed")
    state = msgspec.json.decode(Mapper(event_types).to_stored(sample(cls, "full")).state)
    del state["host"]
    golden = [bytes(line.state) for _, line in lines() if line.topic == "audit.run-claimed"]
    assert msgspec.json.encode(state) not in golden


@pytest.fixture(params=stories(), ids=lambda path: path.stem)
def story(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def told(event_log: SqlEventLog, story: Path) -> SqlEventLog:
    """A log that holds a golden story."""
    event_log._store.insert(
        [
            StoredEvent(UUID(row.aggregate), row.version, row.topic, bytes(row.state))
            for row in rows(story)
        ]
    )
    return event_log


def test_each_class_version_has_a_story_with_its_events() -> None:
    for version in {version for version, _ in lines()}:
        (path,) = (path for path in stories() if path.stem == f"story_v{version}")
        told = {msgspec.json.decode(row.state).get("class_version", 1) for row in rows(path)}
        assert max(told) == version


def test_a_golden_story_is_read_without_a_loss(told: SqlEventLog, story: Path) -> None:
    entries = told.read(0, 1000)
    assert len(entries) == len(rows(story))
    assert all(isinstance(entry, RecordedEvent) for entry in entries)


def test_a_golden_story_folds_to_the_states_that_it_tells(told: SqlEventLog) -> None:
    audit = found(told, Audit, GOLDEN_AUDIT)
    assert (audit.state, audit.run, audit.runs) == (AuditState.SUCCEEDED, None, 1)
    plans = [e.aggregate_id for e in told.read(0, 1000) if e.topic == "plan.proposed"]
    plan = found(told, ActionPlan, plans[0])
    assert plan.state is PlanState.SUCCEEDED
    states = [action.state for action in plan.actions.values()]
    assert states == [ActionState.SUCCEEDED, ActionState.SKIPPED]
    assert found(told, AuditTemplate, GOLDEN_TEMPLATE).deleted
    assert found(told, NameReservation, reservation_id("audit", "nightly")).owner == GOLDEN_TEMPLATE
    assert found(told, PluginCatalogue, CATALOGUE_ID).definitions == {}
    assert found(told, CommandReceipt, command_id("key")).result == GOLDEN_AUDIT


def found(log: SqlEventLog, kind: type[A], aggregate_id: UUID) -> A:
    aggregate = log.find(kind, aggregate_id)
    assert aggregate is not None
    return aggregate
