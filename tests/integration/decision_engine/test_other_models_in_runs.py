"""A strategy gets the storage and bare-metal models that it declares, and no others."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest

from application.cluster_models.kinds import BAREMETAL, STORAGE
from application.decision_engine.computation import compute
from application.decision_engine.inputs import Freshness
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.records.decision import DecisionRecord, decode_record, encode
from domain.audits import AuditState
from domain.audits.reasons import MODEL_NOT_KEPT, MODEL_STALE
from domain.cluster.kinds import ModelKind
from domain.cluster.scope.reasons import BAREMETAL_EMPTY, SCOPE_INVALID, STORAGE_EMPTY
from domain.cluster_models.reasons import SERVICE_ABSENT
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause, Reason
from domain.optimization.context import StrategyContext
from domain.optimization.solution import Solution
from domain.optimization.strategy import REQUESTED_BY_PARAMETERS, Requirements, Strategy
from domain.plans.action_types import NOP
from domain.plans.proposal import ProposedAction
from tests.integration.cluster_models.modelling import grow_old
from tests.world.arranged import ArrangedBaremetal, ArrangedStorage
from tests.world.engine import EngineWorld
from tests.world.values import id_of

ABSENT = CloudRefused(Cause(SERVICE_ABSENT, {"service": "block-storage"}))
NO_QUESTION = AssertionError("nothing is asked of the cloud")


@dataclass(frozen=True)
class Kinds:
    kinds: tuple[ModelKind, ...] = ()


class Reporter(Strategy[Kinds]):
    """A strategy whose plan says what it was given."""

    name, display_name, goal = "reporter", "Reporter", "dummy"
    parameters = Kinds
    parameters_schema: ClassVar[JsonObject] = {
        "properties": {"kinds": {"type": "array", "items": {"type": "string"}, "default": []}}
    }

    def requirements(self, parameters: Kinds) -> Requirements:
        return Requirements(models=frozenset(parameters.kinds))

    def solve(self, context: StrategyContext[Kinds]) -> Solution:
        seen = {
            "servers": context.compute.servers.id,
            "volumes": None if context.storage is None else context.storage.volumes.id,
            "machines": None if context.baremetal is None else context.baremetal.nodes.id,
        }
        because = Cause(REQUESTED_BY_PARAMETERS, {"strategy": self.name})
        text = msgspec.json.encode(seen).decode()
        return Solution((ProposedAction(NOP, "", {"message": text}, because),))


@pytest.fixture
def storage() -> ArrangedStorage:
    return ArrangedStorage()


@pytest.fixture
def machines() -> ArrangedBaremetal:
    return ArrangedBaremetal()


@pytest.fixture
def world(world: EngineWorld, storage: ArrangedStorage, machines: ArrangedBaremetal) -> EngineWorld:
    world.storage, world.baremetal = storage, machines
    world.strategies["reporter"] = Reporter()
    return world


def requested(world: EngineWorld, *kinds: str, scope: list[Any] | None = None) -> UUID:
    """An audit that was worked on once."""
    audit = world.request(
        goal="dummy", strategy="reporter", parameters={"kinds": list(kinds)}, scope=scope or []
    )
    world.work()
    return audit


def messages(world: EngineWorld, audit: UUID) -> list[Any]:
    """What the actions of the plan say."""
    (plan,) = world.find_plans(audit)
    return [action.spec.parameters["message"] for action in plan.actions.values()]


def seen(world: EngineWorld, audit: UUID) -> dict[str, Any]:
    """What the strategy was given."""
    (text,) = messages(world, audit)
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


def record(world: EngineWorld, audit: UUID) -> DecisionRecord:
    (plan,) = world.find_plans(audit)
    return decode_record(world.records.get(plan.record))


def test_a_strategy_gets_the_models_that_it_declares_and_the_record_holds_them(
    world: EngineWorld,
) -> None:
    audit = requested(world, "storage", "baremetal")
    given = seen(world, audit)
    assert given["volumes"] == [id_of("1"), id_of("2"), id_of("3")]
    assert given["machines"] == ["m1", "m2"]
    found = record(world, audit)
    assert found.storage is not None
    assert found.baremetal is not None
    digests = (found.model_digest, found.storage.digest, found.baremetal.digest)
    assert len(set(digests)) == 3
    assert all(world.records.get(digest) for digest in digests)
    again = compute(found, world.optimizers)
    assert [one.action.parameters["message"] for one in again.actions] == messages(world, audit)
    assert again == compute(found, world.optimizers)


def test_a_strategy_that_needs_compute_only_asks_nothing_else_of_the_cloud(
    world: EngineWorld, storage: ArrangedStorage, machines: ArrangedBaremetal
) -> None:
    """The original fetches the storage model also for plans of servers alone, and fails."""
    storage.surprises, machines.surprises = [NO_QUESTION] * 9, [NO_QUESTION] * 9
    audit = requested(world, "compute")
    assert seen(world, audit)["volumes"] is None
    found = record(world, audit)
    assert (found.storage, found.baremetal) == (None, None)


def test_scopes_of_each_kind_are_applied_to_their_models(world: EngineWorld) -> None:
    scope = [
        {"compute": [{"exclude": [{"compute_nodes": [{"name": "c"}]}]}]},
        {"storage": [{"volume_types": [{"name": "fast"}]}]},
        {"storage": [{"availability_zones": [{"name": "only the first entry counts"}]}]},
        {"baremetal": [{"exclude": [{"ironic_nodes": [{"uuid": "m1"}]}]}]},
    ]
    given = seen(world, requested(world, "storage", "baremetal", scope=scope))
    assert given == {
        "servers": [id_of("1"), id_of("2"), id_of("3")],
        "volumes": [id_of("1"), id_of("2")],
        "machines": ["m2"],
    }


def test_a_name_in_a_storage_scope_that_does_not_exist_is_noted(world: EngineWorld) -> None:
    scope = [{"storage": [{"exclude": [{"volumes": [{"uuid": id_of("1")}, {"uuid": "nosuch"}]}]}]}]
    audit = requested(world, "storage", scope=scope)
    assert seen(world, audit)["volumes"] == [id_of("2"), id_of("3")]
    assert "nosuch" in str(record(world, audit).problems[-1])


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ([{"storage": [{"volume_types": [{"name": "tin"}]}]}], STORAGE_EMPTY),
        (
            [{"baremetal": [{"exclude": [{"ironic_nodes": [{"uuid": "m1"}, {"uuid": "m2"}]}]}]}],
            BAREMETAL_EMPTY,
        ),
        ([{"storage": [{"volume_kinds": []}]}], SCOPE_INVALID),
    ],
)
def test_a_scope_that_selects_nothing_says_so(
    world: EngineWorld, scope: list[Any], reason: Reason
) -> None:
    audit = world.find_audit(requested(world, "storage", "baremetal", scope=scope))
    assert audit.state is AuditState.FAILED
    assert audit.because is not None
    assert audit.because.reason == reason


def test_a_kind_that_is_not_kept_fails_the_run_with_the_option_that_would_keep_it(
    world: EngineWorld,
) -> None:
    world.storage = None
    audit = world.find_audit(requested(world, "storage"))
    assert audit.state is AuditState.FAILED
    assert audit.because is not None
    assert audit.because.reason == MODEL_NOT_KEPT
    assert "collector_plugins" in str(audit.because)


def test_a_service_that_the_cloud_has_not_is_not_waited_for(
    world: EngineWorld, storage: ArrangedStorage
) -> None:
    world.freshness = Freshness(max_age=30.0, allow_stale=True)
    world.collector_of(STORAGE, storage).collect()
    grow_old(world, 100)
    storage.surprises = [ABSENT]
    audit = world.find_audit(requested(world, "storage"))
    assert audit.state is AuditState.FAILED
    assert audit.because is not None
    assert audit.because.reason == SERVICE_ABSENT


def test_runs_use_collected_models_of_all_kinds_while_they_are_young(
    world: EngineWorld, storage: ArrangedStorage, machines: ArrangedBaremetal
) -> None:
    world.freshness = Freshness(max_age=30.0)
    current = world.collector_of(STORAGE, storage).collect()
    world.collector_of(BAREMETAL, machines).collect()
    storage.surprises, machines.surprises = [NO_QUESTION], [NO_QUESTION]
    found = record(world, requested(world, "storage", "baremetal"))
    assert found.storage is not None
    assert found.storage.digest == current.digest
    assert found.storage.age < 30


def test_an_outage_of_block_storage_defers_the_run_and_names_the_model(
    world: EngineWorld, storage: ArrangedStorage
) -> None:
    world.freshness = Freshness(max_age=30.0)
    world.collector_of(STORAGE, storage).collect()
    grow_old(world, 100)
    storage.surprises = [CloudUnreachable("503")]
    audit = requested(world, "storage")
    because = world.find_audit(audit).because
    assert because is not None
    assert because.reason == MODEL_STALE
    assert "storage model" in str(because)
    world.work()
    assert world.find_audit(audit).state is AuditState.SUCCEEDED


def test_records_of_runs_from_before_these_models_are_read_as_before(world: EngineWorld) -> None:
    found = record(world, requested(world))
    plain = msgspec.json.decode(encode(found))
    for field in ("storage", "baremetal"):
        assert plain.pop(field) is None
    assert decode_record(msgspec.json.encode(plain)) == found
