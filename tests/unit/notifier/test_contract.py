"""Each type of notification is as the contract says: class, version, fields, kinds of values."""

from copy import deepcopy

import pytest

from application.notifier.types import RULES, TYPES
from domain.audits import events as audits
from domain.kernel.aggregate import Event
from domain.plans import events as plans
from domain.services import events as services
from infrastructure.event_log.event_types import event_types
from tests.unit.notifier import contract
from tests.unit.notifier.lives import every_life
from tests.world.notifications import composed
from tests.world.world import World


def test_every_type_is_sent_as_the_contract_says(world: World) -> None:
    every_life(world.log)
    sent = composed(world.log)
    assert {one.event_type for one in sent} == set(contract.TYPES) == set(TYPES)
    for one in sent:
        name, priority = contract.TYPES[one.event_type]
        assert contract.breaches(one.payload, name) == [], one.event_type
        assert one.priority in priority.split(" or ")


def test_the_envelope_is_that_of_oslo_messaging(world: World) -> None:
    every_life(world.log)
    envelope = composed(world.log)[0].envelope()
    assert list(envelope) == [
        "message_id",
        "publisher_id",
        "timestamp",
        "priority",
        "event_type",
        "payload",
    ]
    assert envelope["timestamp"] == "2026-11-24 12:00:01.000000"
    assert envelope["publisher_id"] == "infra-optim:host-1"
    assert envelope["event_type"] == "audit.create"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("watcher_object.version",), "9.9"),
        (("watcher_object.data", "state"), None),
        (("watcher_object.data", "uuid"), "no uuid"),
        (("watcher_object.data", "created_at"), "2026-11-24 12:00:01"),
        (("watcher_object.data", "goal", "watcher_object.name"), "GaolPayload"),
        (("watcher_object.data", "more"), 1),
    ],
)
def test_control_a_payload_that_differs_is_found(
    world: World, path: tuple[str, ...], value: object
) -> None:
    every_life(world.log)
    payload = deepcopy(dict(composed(world.log)[0].payload))
    *places, last = path
    inner = payload
    for place in places:
        inner = inner[place]
    inner[last] = value
    assert len(contract.breaches(payload, "AuditCreatePayload")) == 1


def test_every_event_of_an_audit_a_plan_or_a_service_has_its_rules() -> None:
    """A new event must say which notifications it sends, if only none."""

    def of(module: object) -> set[type[Event]]:
        return {one for one in event_types().values() if one.__module__ == module.__name__}  # type: ignore[attr-defined]

    assert set(RULES) == of(audits) | of(plans) | of(services)
