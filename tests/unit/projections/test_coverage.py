"""What must hold for all projections together."""

from datetime import datetime
from typing import Any

import pytest

from application.ports.event_log import RecordedEvent
from application.ports.read_tables import SCHEMAS
from application.projections import all_projections
from application.projections.sentences import SENTENCES, sentence
from domain.audit_templates.events import AuditTemplateCreated
from domain.audits.events import AuditRequested
from domain.plans.events import PlanProposed
from infrastructure.cron import next_match
from infrastructure.event_log.event_types import event_types
from tests.world.histories import RandomHistory

PROJECTIONS = all_projections(next_match)


def product_topics() -> set[str]:
    """The topics of everything that the product's own modules define."""
    own = ("domain.", "application.")
    return {topic for topic, cls in event_types().items() if cls.__module__.startswith(own)}


def test_every_event_type_has_a_sentence_of_its_own() -> None:
    assert set(SENTENCES) == product_topics()


def test_every_event_of_what_the_api_shows_is_folded() -> None:
    folded = set().union(*(one.topics or set() for one in PROJECTIONS))
    shown = ("audit.", "plan.", "audit-template.", "catalogue.definition-", "cluster-model.")
    shows = {topic for topic in product_topics() if topic.startswith(shown)}
    # who may amend what is shown by nothing; what it comes to is
    assert folded == (shows - {"cluster-model.amending"}) | {"model-amendments.amended"}


def test_every_declared_shape_is_filled_by_one_projection() -> None:
    assert [one.schema for one in PROJECTIONS] == list(SCHEMAS)
    names = [table.name for schema in SCHEMAS for table in schema.tables]
    assert len(names) == len(set(names))


def test_every_table_has_its_key_and_its_indexed_columns() -> None:
    for schema in SCHEMAS:
        for table in schema.tables:
            assert not table.columns[table.key].nullable
            for index in table.indexes:
                assert set(index.columns) <= set(table.columns)
                assert index.only is None or table.columns[index.only].nullable


def test_sentences_end_like_sentences_and_name_no_missing_fact() -> None:
    told = 0
    for touched in RandomHistory(2).saves(800):
        for aggregate in touched:
            for event in aggregate.collect_events():
                topic = vars(type(event))["TOPIC"]
                text = sentence(topic, event)  # type: ignore[arg-type]
                assert text.endswith(".") or "Reason: " in text, text
                assert "<" not in text, text
                told += 1
    assert told > 500


def test_an_event_type_that_nobody_described_speaks_by_its_topic() -> None:
    event = next(iter(next(iter(RandomHistory(1).saves(0)))[0].pending_events))
    assert sentence("cluster-model.was-collected", event) == "Cluster model: was collected."  # type: ignore[arg-type]


@pytest.mark.parametrize("cls", [AuditRequested, PlanProposed, AuditTemplateCreated])
def test_a_first_event_fills_every_column_that_may_not_be_null(cls: type[Any]) -> None:
    """A row is complete from the start: no later event is needed to make it readable."""
    rows = Inserted()
    for touched in RandomHistory(4).saves(400):
        for aggregate in touched:
            for position, event in enumerate(aggregate.collect_events(), start=1):
                if isinstance(event, cls):
                    rows.fold(position, event)
    assert rows.found
    for table, row in rows.found:
        declared = next(one for schema in SCHEMAS for one in schema.tables if one.name == table)
        assert set(row) == set(declared.columns)
        for name, column in declared.columns.items():
            assert column.nullable or row[name] is not None, (table, name)
            if column.type is datetime and row[name] is not None:
                assert row[name].tzinfo is not None


class Inserted:
    """Tables that only remember what was inserted."""

    def __init__(self) -> None:
        self.found: list[tuple[str, dict[str, Any]]] = []

    def fold(self, position: int, event: Any) -> None:
        recorded = RecordedEvent(position, vars(type(event))["TOPIC"], event)
        for one in PROJECTIONS:
            if one.topics is not None and recorded.topic in one.topics:
                one.handle(recorded, self)

    def get(self, table: str, key: object) -> None:
        raise AssertionError(f"a first event reads nothing: {table} {key}")

    def insert(self, table: str, row: dict[str, Any]) -> None:
        self.found.append((table, row))

    def update(self, table: str, key: object, values: Any) -> None:
        raise AssertionError(f"a first event updates nothing: {table} {key} {values}")

    def add(self, table: str, key: object, amounts: Any) -> None:
        self.update(table, key, amounts)

    def delete(self, table: str, key: object) -> None:
        self.update(table, key, None)
