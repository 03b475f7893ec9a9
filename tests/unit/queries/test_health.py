"""Each rule of the health of an installation: what breaks it, and what does not."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from application.ports.read_models import ProjectionStatus
from application.queries.health import BEHIND, RULES, health_of, of_the_past
from application.queries.overview import (
    ActuationLine,
    InstallationInfo,
    ModelLine,
    Overview,
    PlanLine,
    RoleLine,
    RunningLine,
)
from tests.given import NOON

LATER = NOON + timedelta(minutes=10)
COMPUTE = ModelLine("east", "compute", {"hosts": 3}, 30.0, stale=False, problems=0, failure=None)
ENGINE = RoleLine("watcher-decision-engine", "ctl-1", "ACTIVE", LATER, 1.0)
APPLIER = RoleLine("watcher-applier", "ctl-1", "ACTIVE", LATER, 1.0)
WELL = Overview(
    LATER,
    InstallationInfo("2.0", "sqlite:///vigil.sqlite"),
    roles=(ENGINE, APPLIER),
    models=(COMPUTE,),
)
MOVE = RunningLine(
    UUID(int=9), "migrate", "web-1: a -> b", 500.0, 40.0, "", stalled=True, unchanged_since=NOON
)
PLAN = PlanLine(
    uuid=UUID(int=1),
    state="ONGOING",
    goal="g",
    strategy="s",
    audit_uuid=None,
    created_at=NOON,
    age=600.0,
    total=1,
    ended=0,
    ongoing=1,
    succeeded=0,
    failed=0,
    cancelled=0,
    skipped=0,
    pending=0,
    message="",
    running=(MOVE,),
)
AUDITS = ProjectionStatus("audits", 1, 1, BEHIND + 1, 0, None, building=False)
FAILING = replace(COMPUTE, failure="No route to host", failing_since=NOON)
DOWN = replace(APPLIER, state="FAILED", last_seen_up=NOON, age=600.0)

BROKEN = {
    "role-missing": ("failed", replace(WELL, roles=(ENGINE, DOWN))),
    "role-restarting": (
        "warning",
        replace(WELL, roles=(*WELL.roles, RoleLine("relay", None, "FAILED", restarts=4))),
    ),
    "cloud-unreachable": ("blind", replace(WELL, models=(FAILING,))),
    "model-stale": ("blind", replace(WELL, models=(replace(COMPUTE, stale=True),))),
    "actuation-off": ("warning", replace(WELL, actuation=ActuationLine(on=False, since=NOON))),
    "migration-stalled": ("warning", replace(WELL, plans=(PLAN,))),
    "projection-behind": ("warning", replace(WELL, projections=(AUDITS,))),
    "quarantine": ("warning", replace(WELL, quarantined=2)),
    "clock": ("warning", replace(WELL, roles=(ENGINE, replace(APPLIER, age=-40.0)))),
}


def test_an_installation_without_problems_is_well() -> None:
    storage = ModelLine(
        "east", "storage", {}, None, stale=False, problems=0, failure="no such service", absent=True
    )
    restarted = RoleLine("relay", None, "ACTIVE", restarts=4)
    moving = replace(PLAN, running=(replace(MOVE, stalled=False),))
    behind = replace(AUDITS, lag=BEHIND), replace(AUDITS, building=True)
    view = replace(WELL, models=(COMPUTE, storage), plans=(moving,), projections=behind)
    health = health_of(replace(view, roles=(*WELL.roles, restarted, DOWN)))
    assert (health.state, health.problems) == ("ok", ())


@pytest.mark.parametrize("code", BROKEN)
def test_each_fault_has_its_code_and_says_what_to_do(code: str) -> None:
    severity, view = BROKEN[code]
    health = health_of(view)
    (problem,) = health.problems
    assert (problem.code, problem.severity, health.state) == (code, severity, severity)
    assert problem.text.endswith(".")


def test_every_rule_has_a_fault() -> None:
    """The rule of models has two codes."""
    assert len(RULES) == len(BROKEN) - 1
    for rule in RULES:
        assert any(list(rule(view)) for _, view in BROKEN.values())


def test_the_cause_of_a_failed_collection_and_its_beginning_are_said() -> None:
    (problem,) = health_of(BROKEN["cloud-unreachable"][1]).problems
    assert problem.since == NOON
    assert problem.subject == "compute model of cloud east"
    assert "No route to host." in problem.text
    assert f"since {NOON:%Y-%m-%d %H:%M:%S} UTC" in problem.text


def test_a_cloud_that_was_never_read_is_not_well() -> None:
    (problem,) = health_of(replace(WELL, models=())).problems
    assert (problem.code, problem.severity) == ("model-stale", "blind")


def test_the_worst_problem_comes_first_and_gives_the_state() -> None:
    view = replace(WELL, quarantined=1, models=(FAILING,), roles=(ENGINE,))
    health = health_of(view)
    assert [one.severity for one in health.problems] == ["failed", "blind", "warning"]
    assert health.state == "failed"


def test_a_copy_of_a_history_is_neither_well_nor_broken() -> None:
    health = of_the_past(41)
    assert (health.state, health.problems[0].code) == ("warning", "past")
