"""The operator's placement rules, from the scope of an audit and from a file, in whole runs."""

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from application.decision_engine.computation import compute
from application.decision_engine.decisions import SearchSettings
from application.records.decision import DecisionRecord, decode_record
from domain.audits import AuditState
from domain.cluster.placement.policy import PlacementPolicy
from domain.cluster.placement.rules.concurrency import ConcurrencyLimits
from domain.cluster.placement.rules.operator import Fence, OperatorRules
from domain.cluster.scope.reasons import (
    RULE_NAME_AMBIGUOUS,
    RULE_NAME_UNKNOWN,
    RULES_FILE_INVALID,
)
from infrastructure.operator_rules import RulesFile
from tests.world.engine import EngineWorld
from tests.world.values import id_of, server

Rules = dict[str, Any]


def scoped(rules: Rules) -> list[Any]:
    return [{"compute": [{"rules": rules}]}]


def audit_with(world: EngineWorld, rules: Rules | None = None) -> UUID:
    """An audit with some rules in its scope, and its run."""
    audit = world.request(scope=[] if rules is None else scoped(rules))
    world.work()
    return audit


def outcome(world: EngineWorld, audit: UUID) -> dict[str, str | None]:
    """Server name → its host after the plan."""
    (plan,) = world.find_plans(audit)
    moves = [one.spec.parameters for one in plan.actions.values() if one.spec.type == "migrate"]
    at = {one.name: one.host for one in world.cloud.servers}
    return at | {str(one["resource_name"]): str(one["destination_node"]) for one in moves}


def record(world: EngineWorld, audit: UUID) -> DecisionRecord:
    (plan,) = world.find_plans(audit)
    return decode_record(world.records.get(plan.record))


def failure(world: EngineWorld, audit: UUID) -> tuple[str, str]:
    found = world.find_audit(audit)
    assert found.state is AuditState.FAILED
    assert found.because is not None
    return found.because.reason, str(found.because)


Obeyed = Callable[[dict[str, str | None]], bool]


@pytest.mark.parametrize(
    ("rules", "obeyed"),
    [
        ({"bans": [{"servers": ["3"], "hosts": ["a"]}]}, lambda at: at["3"] != "a"),
        ({"bans": [{"servers": [id_of("4")], "hosts": [id_of("a")]}]}, lambda at: at["4"] != "a"),
        (
            {"fences": [{"servers": ["3", "4"], "hosts": ["b", "c"]}]},
            lambda at: {at["3"], at["4"]} <= {"b", "c"},
        ),
        ({"apart": [["3", "4"]]}, lambda at: at["3"] != at["4"]),
        ({"apart": [["1", "3", "4"]]}, lambda at: len({at["1"], at["3"], at["4"]}) == 3),
    ],
)
def test_a_plan_obeys_the_rules_of_its_audit(
    world: EngineWorld, rules: Rules, obeyed: Obeyed
) -> None:
    """The control is the same audit without the rules: its plan breaks them."""
    assert not obeyed(outcome(world, audit_with(world)))
    assert obeyed(outcome(world, audit_with(world, rules)))


def test_servers_that_belong_together_are_not_split(world: EngineWorld) -> None:
    world.cloud.servers = [
        *(server(f"fill-{on}", on, vcpus=12) for on in ("a", "c")),
        *(server(name, "b") for name in ("3", "4")),
    ]
    split = outcome(world, audit_with(world))
    assert {split["3"], split["4"]} == {"a", "c"}
    kept = outcome(world, audit_with(world, {"together": [["3", "4"]]}))
    assert kept["3"] == kept["4"]


def test_the_rules_of_a_file_hold_for_every_audit_from_its_next_run(
    world: EngineWorld, tmp_path: Path
) -> None:
    file = tmp_path / "rules.yaml"
    world.rules = RulesFile(file)
    engine = world.engine()
    for text, moved in (("bans:\n- {servers: ['3'], hosts: [a]}", False), ("{}", True)):
        file.write_text(text)
        audit = world.request()
        world.work(engine)
        assert (outcome(world, audit)["3"] == "a") is moved


def test_the_rules_of_a_file_and_of_a_scope_hold_together(
    world: EngineWorld, tmp_path: Path
) -> None:
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"bans": [{"servers": ["3"], "hosts": ["a"]}]}))
    world.rules = RulesFile(file)
    audit = audit_with(world, {"bans": [{"servers": ["4"], "hosts": ["a"]}]})
    found = outcome(world, audit)
    assert "a" not in (found["3"], found["4"])
    assert record(world, audit).placement.operator == OperatorRules(
        bans=(Fence((id_of("4"),), ("a",)), Fence((id_of("3"),), ("a",)))
    )


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "rules: must be an object"),
        ("bans: [{servers: ['3']}]", "bans[0].hosts: is missing"),
        ("bans: []\nbans: []", "the key 'bans' occurs twice"),
        ("bans: [", "it is not YAML"),
        ("\0", "it is not YAML"),
        ("!!python/object:os.system {}", "it is not YAML"),
        (None, "No such file or directory"),
    ],
)
def test_a_file_that_cannot_be_used_fails_the_run_and_is_named(
    world: EngineWorld, tmp_path: Path, content: str | None, error: str
) -> None:
    file = tmp_path / "rules.yaml"
    if content is not None:
        file.write_text(content)
    world.rules = RulesFile(file)
    audit = audit_with(world)
    reason, text = failure(world, audit)
    assert reason == RULES_FILE_INVALID
    assert str(file) in text
    assert error in text
    assert not world.find_plans(audit)


def test_a_name_that_two_servers_have_fails_the_run(world: EngineWorld) -> None:
    world.cloud.servers.append(replace(server("9", "c", project_id="other"), name="3"))
    audit = audit_with(world, {"bans": [{"servers": ["3"], "hosts": ["a"]}]})
    assert failure(world, audit)[0] == RULE_NAME_AMBIGUOUS


def test_names_that_do_not_exist_are_reported_like_those_of_the_scope(world: EngineWorld) -> None:
    audit = audit_with(world, {"bans": [{"servers": ["3", "gone"], "hosts": ["a", "x"]}]})
    assert outcome(world, audit)["3"] != "a"
    problems = [one for one in record(world, audit).problems if one.reason == RULE_NAME_UNKNOWN]
    assert [one.facts["name"] for one in problems] == ["gone", "x"]


# -- records -------------------------------------------------------------------------------------


def test_a_record_holds_the_limits_and_policies_in_force(world: EngineWorld) -> None:
    policy = PlacementPolicy(
        limits=ConcurrencyLimits(total=1, per_host=1), keep_zone=False, numa_certain=True
    )
    world.search = SearchSettings(placement=policy)
    audit = audit_with(world)
    assert record(world, audit).placement == policy


def test_a_record_holds_values_and_no_defaults(world: EngineWorld) -> None:
    """A value that a record leaves out would be read as the default of the version that reads."""
    (plan,) = world.find_plans(audit_with(world))
    content = json.loads(world.records.get(plan.record))
    assert content.keys() == set(DecisionRecord.__struct_fields__)
    assert content["placement"].keys() == {one.name for one in fields(PlacementPolicy)}
    assert content["placement"]["limits"] == {"total": None, "per_host": None}
    assert content["cost"].keys() == {"megabytes_per_second", "fixed_seconds"}
    assert content["planner_options"]["weights"]["migrate"] == 30
    assert content["planner_options"]["parallelization"]["migrate"] == 2


def test_a_record_of_a_version_without_rules_still_decodes(world: EngineWorld) -> None:
    (plan,) = world.find_plans(audit_with(world))
    content = json.loads(world.records.get(plan.record))
    for name in ("placement", "moves", "start", "cost", "steps"):
        del content[name]
    old = decode_record(json.dumps(content).encode())
    assert old.placement == PlacementPolicy()


def test_a_rerun_uses_the_rules_and_limits_of_its_run(world: EngineWorld, tmp_path: Path) -> None:
    """Rules, options and defaults that changed since must not change yesterday's plan."""
    file = tmp_path / "rules.yaml"
    file.write_text("bans:\n- {servers: ['3'], hosts: [a]}\n")
    world.rules = RulesFile(file)
    limits = ConcurrencyLimits(total=1)
    world.search = SearchSettings(placement=PlacementPolicy(limits=limits))
    first = record(world, audit_with(world))
    planned = compute(first, world.optimizers).actions
    file.unlink()
    world.search = SearchSettings()
    assert compute(first, world.optimizers).actions == planned
    today = msgspec.structs.replace(first, placement=PlacementPolicy())
    assert compute(today, world.optimizers).actions != planned
