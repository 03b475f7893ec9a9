from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from application.ports.read_models import (
    ActionPlanView,
    ActionView,
    AuditTemplateView,
    AuditView,
    GoalView,
    MarkerNotFound,
    Page,
    ReadModels,
    ScoringEngineView,
    StrategyView,
    UnknownSortKey,
)
from domain.audit_templates import AuditTemplate
from domain.audits.events import AuditState
from tests.conformance.read_models.test_audits import catalogue, request
from tests.given import context, ident
from tests.world.histories import RandomHistory
from tests.world.world import World, names

LISTS: dict[type[Any], Callable[[ReadModels, Page], Sequence[Any]]] = {
    GoalView: lambda models, page: models.goals(page),
    StrategyView: lambda models, page: models.strategies(page, {}),
    ScoringEngineView: lambda models, page: models.scoring_engines(page),
    AuditTemplateView: lambda models, page: models.audit_templates(page, {}),
    AuditView: lambda models, page: models.audits(page, {}),
    ActionPlanView: lambda models, page: models.action_plans(page, {}),
    ActionView: lambda models, page: models.actions(page, {}),
}
FURTHER: dict[type[Any], tuple[str, ...]] = {
    StrategyView: ("goal_id",),
    AuditTemplateView: ("goal_id", "strategy_id"),
    AuditView: ("goal_id", "strategy_id"),
    ActionPlanView: ("audit_id", "strategy_id"),
    ActionView: ("action_plan_id",),
}


def story(world: World, seed: int = 7, chapters: int = 250) -> None:
    for touched in RandomHistory(seed).saves(chapters):
        world.log.save(*touched)
    world.new_projector().catch_up()


@pytest.mark.parametrize("descending", [False, True])
def test_every_column_sorts_the_same_paged_as_whole(world: World, descending: bool) -> None:
    story(world, chapters=80)
    for view, listing in LISTS.items():
        keys = [field.name for field in fields(view)]
        for key in (*keys, *FURTHER.get(view, ())):
            whole = listing(world.reads, Page(sort_key=key, descending=descending))
            assert len(whole) == len({one.uuid for one in whole})
            paged: list[Any] = []
            marker = None
            while True:
                page = Page(limit=7, sort_key=key, descending=descending, marker=marker)
                rows = listing(world.reads, page)
                paged += rows
                if len(rows) < 7:
                    break
                marker = str(rows[-1].uuid)
            assert paged == whole, (view.__name__, key)


@pytest.mark.parametrize("descending", [False, True])
def test_rows_are_sorted_by_key_then_age_with_nulls_together(
    world: World, descending: bool
) -> None:
    story(world)
    for key in ("name", "strategy_name", "next_run_time", "interval", "force", "created_at"):
        rows = world.reads.audits(Page(sort_key=key, descending=descending), {})
        found = [(getattr(row, key) is None, getattr(row, key) or 0, row.id) for row in rows]
        nulls = sorted((one for one in found if one[0]), reverse=descending)
        values = sorted((one for one in found if not one[0]), reverse=descending)
        assert found == (nulls + values if descending else values + nulls), key


def test_a_list_page_is_one_statement_whatever_it_asks_for(world: World) -> None:
    story(world)
    marker = str(world.reads.action_plans(Page(limit=1), {})[0].uuid)
    statements: list[str] = []
    event.listen(
        world.reads._engine,
        "before_cursor_execute",
        lambda _conn, _cursor, statement, *_: statements.append(statement),
    )
    pages = (
        Page(),
        Page(limit=3, marker=marker),
        Page(limit=3, marker=marker, sort_key="strategy_name", descending=True, show_deleted=True),
    )
    for count, page in enumerate(pages, start=1):
        world.reads.action_plans(page, {"strategy": "basic"})
        assert len(statements) == count, statements
    world.reads.audit("audit 1")
    assert len(statements) == 4


def test_nobody_is_doubled_or_missed_over_a_thousand_rows_while_others_insert(world: World) -> None:
    made = [
        AuditTemplate.create(
            context(number), ident(number), name=f"t{number % 50:02}", goal="dummy"
        )
        for number in range(1, 1101)
    ]
    world.save(*made)
    for key in ("id", "name", "created_at"):
        seen: list[object] = []
        marker = None
        while rows := world.reads.audit_templates(Page(limit=97, sort_key=key, marker=marker), {}):
            seen += [row.uuid for row in rows if row.name != "zz new"]
            marker = str(rows[-1].uuid)
            if len(seen) < 1000:
                world.save(
                    AuditTemplate.create(context(5000), uuid4(), name="zz new", goal="dummy")
                )
        assert len(seen) == len(set(seen)) == 1100


def test_the_page_behind_the_last_row_is_empty(world: World) -> None:
    world.save(request(1), request(2))
    assert world.reads.audits(Page(marker=str(ident(2))), {}) == []
    assert names(world.reads.audits(Page(marker=str(ident(1))), {})) == ["audit 2"]
    assert names(world.reads.audits(Page(marker=str(ident(2)), descending=True), {})) == ["audit 1"]


def test_an_unknown_marker_is_told_from_an_empty_page(world: World) -> None:
    world.save(request(1))
    for marker in (str(ident(9)), "no uuid", ""):
        with pytest.raises(MarkerNotFound):
            world.reads.audits(Page(marker=marker), {})
        with pytest.raises(MarkerNotFound):
            world.reads.audits(Page(marker=marker, sort_key="name"), {})


def test_a_deleted_marker_counts_only_where_deleted_rows_are_shown(world: World) -> None:
    gone = request(1)
    gone.move(context(2), AuditState.CANCELLED)
    gone.delete(context(3))
    world.save(gone, request(4))
    with pytest.raises(MarkerNotFound):
        world.reads.audits(Page(marker=str(ident(1))), {})
    shown = world.reads.audits(Page(marker=str(ident(1)), show_deleted=True), {})
    assert names(shown) == ["audit 4"]


def test_a_marker_outside_the_filter_still_has_its_place(world: World) -> None:
    catalogue(world)
    world.save(
        request(1, goal="dummy"), request(2, goal="server_consolidation"), request(3, goal="dummy")
    )
    page = Page(marker=str(ident(2)))
    assert names(world.reads.audits(page, {"goal": "dummy"})) == ["audit 3"]


def test_what_cannot_be_sorted_or_filtered_by_is_refused(world: World) -> None:
    with pytest.raises(UnknownSortKey):
        world.reads.audits(Page(sort_key="name_key"), {})
    with pytest.raises(UnknownSortKey):
        world.reads.goals(Page(sort_key="links"))
    with pytest.raises(ValueError, match="no filter audit_uuid"):
        world.reads.audits(Page(), {"audit_uuid": str(ident(1))})
