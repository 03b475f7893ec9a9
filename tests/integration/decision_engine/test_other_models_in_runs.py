"""A strategy gets the storage and bare-metal models that it declares, and no others."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
import pytest

from application.decision_engine.engine import solve_and_plan
from application.decision_engine.inputs import Freshness
from application.ports.cloud import CloudRefused, CloudUnreachable
from application.ports.event_log import EventLog
from application.records.decision import DecisionRecord, decode_record, encode
from domain.audits import AuditState
from domain.cluster.kinds import ModelKind
from domain.kernel.reasons import Cause, Reason
from domain.optimization import PLANNERS
from domain.optimization.solution import Solution
from domain.optimization.strategy import StrategyInputs
from domain.plans.action_types import NOP
from domain.plans.proposal import ProposedAction
from tests.integration.cluster_models.modelling import grow_old
from tests.integration.records.storing import (
    ArrangedBaremetal,
    ArrangedStorage,
    baremetal_collector,
    storage_collector,
)
from tests.integration.workshop import Workshop

ABSENT = CloudRefused(Cause(Reason.SERVICE_ABSENT, {"service": "block-storage"}))
NO_QUESTION = AssertionError("nothing is asked of the cloud")


class Reporter:
    """A strategy whose plan says what it was given."""

    name, display_name, goal, planner = "reporter", "Reporter", "dummy", "weight"
    parameters_schema: dict[str, object] = {  # noqa: RUF012 - the contract's attribute
        "properties": {"kinds": {"type": "array", "items": {"type": "string"}, "default": []}}
    }

    def models(self, parameters: Mapping[str, object]) -> frozenset[ModelKind]:
        kinds: Any = parameters["kinds"]
        return frozenset(map(ModelKind, kinds))

    def metrics(self, parameters: Mapping[str, object]) -> tuple[()]:
        return ()

    def solve(self, inputs: StrategyInputs) -> Solution:
        seen = {
            "servers": inputs.compute.servers.id,
            "volumes": None if inputs.storage is None else inputs.storage.volumes.id,
            "machines": None if inputs.baremetal is None else inputs.baremetal.nodes.id,
        }
        because = Cause(Reason.REQUESTED_BY_PARAMETERS, {"strategy": self.name})
        text = msgspec.json.encode(seen).decode()
        return Solution((ProposedAction(NOP, "", {"message": text}, because),))


@pytest.fixture
def storage() -> ArrangedStorage:
    return ArrangedStorage()


@pytest.fixture
def machines() -> ArrangedBaremetal:
    return ArrangedBaremetal()


@pytest.fixture
def shop(
    event_database: str, event_log: EventLog, storage: ArrangedStorage, machines: ArrangedBaremetal
) -> Iterator[Workshop]:
    shop = Workshop(event_database, event_log)
    shop.storage, shop.baremetal = storage, machines
    shop.strategies["reporter"] = Reporter()
    yield shop
    shop.close()


def requested(shop: Workshop, *kinds: str, scope: list[Any] | None = None) -> UUID:
    """An audit that was worked on once."""
    audit = shop.request(
        goal="dummy", strategy="reporter", parameters={"kinds": list(kinds)}, scope=scope or []
    )
    shop.work()
    return audit


def messages(shop: Workshop, audit: UUID) -> list[Any]:
    """What the actions of the plan say."""
    (plan,) = shop.plans(audit)
    return [action.spec.parameters["message"] for action in plan.actions.values()]


def seen(shop: Workshop, audit: UUID) -> dict[str, Any]:
    """What the strategy was given."""
    (text,) = messages(shop, audit)
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


def record(shop: Workshop, audit: UUID) -> DecisionRecord:
    (plan,) = shop.plans(audit)
    return decode_record(shop.records.get(plan.record))


def test_a_strategy_gets_the_models_that_it_declares_and_the_record_holds_them(
    shop: Workshop,
) -> None:
    audit = requested(shop, "storage", "baremetal")
    given = seen(shop, audit)
    assert given["volumes"] == ["id-1", "id-2", "id-3"]
    assert given["machines"] == ["m1", "m2"]
    found = record(shop, audit)
    assert found.storage is not None
    assert found.baremetal is not None
    digests = (found.model_digest, found.storage.digest, found.baremetal.digest)
    assert len(set(digests)) == 3
    assert all(shop.records.get(digest) for digest in digests)
    strategy, planner = Reporter(), PLANNERS["weight"](None, None)
    solution, planned = solve_and_plan(found, strategy, planner)
    assert [one.action.parameters["message"] for one in planned] == messages(shop, audit)
    assert solution == strategy.solve(found.inputs())


def test_a_strategy_that_needs_compute_only_asks_nothing_else_of_the_cloud(
    shop: Workshop, storage: ArrangedStorage, machines: ArrangedBaremetal
) -> None:
    """The original fetches the storage model also for plans of servers alone, and fails."""
    storage.surprises, machines.surprises = [NO_QUESTION] * 9, [NO_QUESTION] * 9
    audit = requested(shop, "compute")
    assert seen(shop, audit)["volumes"] is None
    found = record(shop, audit)
    assert (found.storage, found.baremetal) == (None, None)


def test_scopes_of_each_kind_are_applied_to_their_models(shop: Workshop) -> None:
    scope = [
        {"compute": [{"exclude": [{"compute_nodes": [{"name": "c"}]}]}]},
        {"storage": [{"volume_types": [{"name": "fast"}]}]},
        {"storage": [{"availability_zones": [{"name": "only the first entry counts"}]}]},
        {"baremetal": [{"exclude": [{"ironic_nodes": [{"uuid": "m1"}]}]}]},
    ]
    given = seen(shop, requested(shop, "storage", "baremetal", scope=scope))
    assert given == {
        "servers": ["id-1", "id-2", "id-3"],
        "volumes": ["id-1", "id-2"],
        "machines": ["m2"],
    }


def test_a_name_in_a_storage_scope_that_does_not_exist_is_noted(shop: Workshop) -> None:
    scope = [{"storage": [{"exclude": [{"volumes": [{"uuid": "id-1"}, {"uuid": "nosuch"}]}]}]}]
    audit = requested(shop, "storage", scope=scope)
    assert seen(shop, audit)["volumes"] == ["id-2", "id-3"]
    assert "nosuch" in str(record(shop, audit).problems[-1])


@pytest.mark.parametrize(
    ("scope", "reason"),
    [
        ([{"storage": [{"volume_types": [{"name": "tin"}]}]}], Reason.STORAGE_EMPTY),
        (
            [{"baremetal": [{"exclude": [{"ironic_nodes": [{"uuid": "m1"}, {"uuid": "m2"}]}]}]}],
            Reason.BAREMETAL_EMPTY,
        ),
        ([{"storage": [{"volume_kinds": []}]}], Reason.SCOPE_INVALID),
    ],
)
def test_a_scope_that_selects_nothing_says_so(
    shop: Workshop, scope: list[Any], reason: Reason
) -> None:
    audit = shop.audit(requested(shop, "storage", "baremetal", scope=scope))
    assert audit.state is AuditState.FAILED
    assert audit.because is not None
    assert audit.because.reason is reason


def test_a_kind_that_is_not_kept_fails_the_run_with_the_option_that_would_keep_it(
    shop: Workshop,
) -> None:
    shop.storage = None
    audit = shop.audit(requested(shop, "storage"))
    assert audit.state is AuditState.FAILED
    assert audit.because is not None
    assert audit.because.reason is Reason.MODEL_NOT_KEPT
    assert "collector_plugins" in str(audit.because)


def test_a_service_that_the_cloud_has_not_is_not_waited_for(
    shop: Workshop, storage: ArrangedStorage
) -> None:
    shop.freshness = Freshness(max_age=30.0, allow_stale=True)
    storage_collector(shop, storage).collect()
    grow_old(shop, 100)
    storage.surprises = [ABSENT]
    audit = shop.audit(requested(shop, "storage"))
    assert audit.state is AuditState.FAILED
    assert audit.because is not None
    assert audit.because.reason is Reason.SERVICE_ABSENT


def test_runs_use_collected_models_of_all_kinds_while_they_are_young(
    shop: Workshop, storage: ArrangedStorage, machines: ArrangedBaremetal
) -> None:
    shop.freshness = Freshness(max_age=30.0)
    current = storage_collector(shop, storage).collect()
    baremetal_collector(shop, machines).collect()
    storage.surprises, machines.surprises = [NO_QUESTION], [NO_QUESTION]
    found = record(shop, requested(shop, "storage", "baremetal"))
    assert found.storage is not None
    assert found.storage.digest == current.digest
    assert found.storage.age < 30


def test_an_outage_of_block_storage_defers_the_run_and_names_the_model(
    shop: Workshop, storage: ArrangedStorage
) -> None:
    shop.freshness = Freshness(max_age=30.0)
    storage_collector(shop, storage).collect()
    grow_old(shop, 100)
    storage.surprises = [CloudUnreachable("503")]
    audit = requested(shop, "storage")
    because = shop.audit(audit).because
    assert because is not None
    assert because.reason is Reason.MODEL_STALE
    assert "storage model" in str(because)
    shop.work()
    assert shop.audit(audit).state is AuditState.SUCCEEDED


def test_records_of_runs_from_before_these_models_are_read_as_before(shop: Workshop) -> None:
    found = record(shop, requested(shop))
    plain = msgspec.json.decode(encode(found))
    for field in ("storage", "baremetal"):
        assert plain.pop(field) is None
    assert decode_record(msgspec.json.encode(plain)) == found
