"""Batches of messages: what they come to together, and what happens to the bad ones."""

from random import Random
from typing import Any

import pytest

from application.ports.notifications import NotificationBatch
from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow
from domain.cluster.kinds import ModelKind
from domain.cluster_models.amendments import ComputeAmendments, ComputeFacts, admit_compute
from infrastructure.notifications.translation import Translator
from tests.unit.notifications.captured import SERVER, Body, captured, data


class Bin:
    """Where bad messages end."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str]] = []

    def put(self, event: str, message: str, error: str) -> None:
        self.found.append((event, message, error))


@pytest.fixture
def bin_() -> Bin:
    return Bin()


@pytest.fixture
def translator(bin_: Bin) -> Translator:
    return Translator(bin_.put)


def cloud() -> ComputeModel:
    rows = [HostRow(f"id-{n}", f"cmp-0{n}", zone=f"az-{n}", vcpus=8) for n in range(1, 7)]
    return ComputeModel.build(rows, ())[0]


def after(translator: Translator, bodies: list[Body]) -> ComputeAmendments:
    known = ComputeAmendments(cloud(), ComputeFacts())
    told, _ = translator.read(bodies)
    return admit_compute(known, told.compute, 0.0).amended


@pytest.mark.parametrize("length", range(0, 153, 9))
def test_whatever_was_sent_last_is_what_the_model_shows(
    translator: Translator, length: int
) -> None:
    """Each prefix of the real life of a real server, delivered in any order and partly twice."""
    sent = captured()[:length]
    delivered = [*sent, *Random(length).choices(sent or [{}], k=length // 4)]
    Random(length).shuffle(delivered)
    model, _ = after(translator, delivered).model()
    told = [
        data(body)
        for body in sent
        if body["event_type"] == "instance.update" and data(body)["uuid"] == SERVER
    ]
    shown = {*model.servers.id, *model.unplaced.id}
    if not told or told[-1]["state"] == "deleted":
        assert SERVER not in shown
        return
    row = ComputeAmendments(model, ComputeFacts()).collected(SERVER)
    assert row is not None
    assert (row.host, row.state) == (told[-1]["host"], told[-1]["state"])
    assert (row.task_state, row.locked) == (told[-1]["task_state"], told[-1]["locked"])
    assert row.zone == (
        f"az-{row.host[-1]}" if row.host is not None else told[-1]["availability_zone"]
    )


def test_at_the_end_of_all_lives_nothing_is_left(translator: Translator) -> None:
    model, problems = after(translator, captured()).model()
    assert (len(model.servers), len(model.unplaced), problems) == (0, 0, ())


def test_one_bad_message_is_set_aside_and_the_others_are_used(
    translator: Translator, bin_: Bin
) -> None:
    bodies = captured("instance.create.end")
    bad: list[Any] = [
        "text",
        None,
        {"payload": 3},
        {**bodies[0], "payload": {"nova_object.data": {"uuid": []}}, "message_id": "bad"},
        {**bodies[0], "timestamp": "soon"},
    ]
    told, outcomes = translator.read([bad[0], bodies[0], *bad[1:]])
    assert [fact.id for fact in told.compute.servers] == [SERVER]
    assert len(bin_.found) == 5
    assert outcomes == {("instance.create.end", "read"): 1, ("other", "unreadable"): 5}
    assert ("instance.create.end", "bad") in [found[:2] for found in bin_.found]


def test_messages_of_nobody_known_and_nova_s_unversioned_ones_are_useless(
    translator: Translator, bin_: Bin
) -> None:
    body = captured("instance.create.end")[0]
    told, outcomes = translator.read(
        [
            {**body, "publisher_id": "identity.controller"},
            {**body, "event_type": "compute.instance.create.end", "payload": {"state": "active"}},
        ]
    )
    assert not told
    assert not bin_.found
    assert outcomes == {("other", "useless"): 2}


def test_once_every_change_is_told_what_ended_work_remembers_is_not_used(
    translator: Translator,
) -> None:
    def told(bodies: list[Body]) -> NotificationBatch:
        return translator.read(bodies)[0]

    ended = captured("instance.lock")
    assert told(ended).compute.servers
    assert not told([*captured("instance.update")[:1], *ended]).compute.servers[1:]
    assert not told(ended)
    assert told(captured("instance.delete.end")).compute.servers  # that always counts


def test_what_only_a_collection_shows_is_asked_for_by_kind(translator: Translator) -> None:
    told, _ = translator.read(captured("aggregate.add_host.end"))
    assert [because.facts for because in told.unclear[ModelKind.COMPUTE]] == [
        {"event": "aggregate.add_host.end"}
    ]
    assert told
