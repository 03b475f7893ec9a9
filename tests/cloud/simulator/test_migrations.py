"""Migrations of the simulator go as those of a real OpenStack do, step by step."""

from typing import Any

import pytest

from tests.cloud.simulator.clouds import Answer, Subject, until
from tests.cloud.simulator.pairs import Pair, alike, live

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.timeout(300),
    # openstacksdk warns at every connection about an optional library that nobody here uses
    pytest.mark.filterwarnings("ignore:Support for InfluxDB"),
]


def test_a_live_migration_runs_alike(pair: Pair) -> None:
    """Accepted, refused while it runs, seen in progress, done, and told by its history."""
    seen = {}
    for name, cloud in (("real", pair.real), ("simulated", pair.simulated)):
        server = cloud.movable()
        place = f"/servers/{server['id']}/migrations"
        accepted = live(cloud, server["id"], None, "2.96")
        again = live(cloud, server["id"], None, "2.96")
        stopped = cloud.act(server["id"], {"os-stop": None}, "2.96")
        until(lambda c=cloud, p=place: _running(c, p), "it runs")  # type: ignore[misc]
        answers = [accepted, again, stopped]
        answers += [cloud.ask("compute", "GET", place, v) for v in ("2.23", "2.59", "2.80")]
        number = answers[-1].body["migrations"][0]["id"]
        answers.append(cloud.ask("compute", "GET", f"{place}/{number}", "2.80"))
        query = f"/os-migrations?instance_uuid={server['id']}&status=running"
        answers += [cloud.ask("compute", "GET", query, v) for v in ("2.23", "2.59", "2.80")]
        answers.append(cloud.ask("placement", "GET", f"/allocations/{server['id']}", "1.39"))
        cloud.settled(server["id"])
        answers += _history(cloud, server["id"])
        assert live(cloud, server["id"], server["OS-EXT-SRV-ATTR:host"], "2.30").status == 202
        cloud.settled(server["id"])
        seen[name] = answers
    assert [a.status for a in seen["real"][:3]] == [202, 409, 409]
    for real, simulated in zip(seen["real"], seen["simulated"], strict=True):
        alike(real, simulated)


def _running(cloud: Subject, place: str) -> bool:
    migrations = cloud.get(place)["migrations"]
    return bool(migrations) and migrations[0]["status"] == "running"


def _history(cloud: Subject, server_id: str) -> list[Answer]:
    """The newest instance action and migration, finished, and what the history is made of."""
    place = f"/servers/{server_id}/os-instance-actions"

    def newest() -> Any:
        return cloud.get(place)["instanceActions"][0]

    action = newest()
    query = f"/os-migrations?instance_uuid={server_id}&limit=1"
    # the server is ACTIVE a moment before its migration is completed
    until(lambda: "links" not in cloud.get(query)["migrations"][0], "it is over")
    # and the migration may be over a moment before its action is
    until(lambda: _ended(cloud.get(f"{place}/{action['request_id']}")), "the action has ended")
    answers = [cloud.ask("compute", "GET", f"{place}/{action['request_id']}", "2.96")]
    return [*answers, cloud.ask("compute", "GET", query, "2.96")]


def _ended(shown: Any) -> bool:
    """Whether each step of an instance action has a result."""
    return all(event["finish_time"] for event in shown["instanceAction"]["events"])


def test_a_live_migration_can_be_aborted_alike(pair: Pair) -> None:
    seen = {}
    for name, cloud in (("real", pair.real), ("simulated", pair.simulated)):
        server = cloud.movable()
        place = f"/servers/{server['id']}/migrations"
        assert live(cloud, server["id"], None, "2.30").status == 202
        until(lambda c=cloud, p=place: _running(c, p), "it runs")  # type: ignore[misc]
        number = cloud.get(place)["migrations"][0]["id"]
        answers = [cloud.ask("compute", "DELETE", f"{place}/{number}", "2.96")]
        after = cloud.settled(server["id"])
        assert after["OS-EXT-SRV-ATTR:host"] == server["OS-EXT-SRV-ATTR:host"]
        answers.append(cloud.ask("compute", "DELETE", f"{place}/{number}", "2.96"))
        query = f"/os-migrations?instance_uuid={server['id']}&limit=1"
        newest = cloud.get(query)["migrations"][0]
        assert (newest["id"], newest["status"]) == (number, "cancelled")
        seen[name] = answers + _history(cloud, server["id"])
    for real, simulated in zip(seen["real"], seen["simulated"], strict=True):
        alike(real, simulated)


def test_a_live_migration_that_the_scheduler_refuses_later_fails_alike(pair: Pair) -> None:
    """From 2.34 on the answer is 202; the migration ends in error and the history says Error."""
    seen = {}
    for name, cloud in (("real", pair.real), ("simulated", pair.simulated)):
        server = cloud.movable()
        own = server["OS-EXT-SRV-ATTR:host"]
        answers = [live(cloud, server["id"], own, "2.34")]
        cloud.settled(server["id"])
        answers += _history(cloud, server["id"])
        seen[name] = answers
    for real, simulated in zip(seen["real"], seen["simulated"], strict=True):
        alike(real, simulated)
        assert real.status in {200, 202}
    assert seen["real"][1].body["instanceAction"]["message"] == "Error"
    assert seen["simulated"][1].body["instanceAction"]["message"] == "Error"
    assert seen["simulated"][2].body["migrations"][0]["status"] == "error"


def test_a_cold_migration_is_confirmed_alike(pair: Pair) -> None:
    seen = {}
    for name, cloud in (("real", pair.real), ("simulated", pair.simulated)):
        server = cloud.movable()
        answers = [cloud.act(server["id"], {"migrate": {"host": None}}, "2.96")]
        cloud.settled(server["id"], "VERIFY_RESIZE")
        answers.append(cloud.ask("compute", "GET", f"/servers/{server['id']}", "2.96"))
        answers += _history(cloud, server["id"])
        migration = answers[-1].body["migrations"][0]
        for consumer in (server["id"], migration["uuid"]):
            answers.append(cloud.ask("placement", "GET", f"/allocations/{consumer}", "1.39"))
        answers.append(live(cloud, server["id"], None, "2.96"))
        answers.append(cloud.act(server["id"], {"revertResize": None}, "2.96"))
        back = cloud.settled(server["id"])
        assert back["OS-EXT-SRV-ATTR:host"] == server["OS-EXT-SRV-ATTR:host"]
        seen[name] = answers + _history(cloud, server["id"])
    for real, simulated in zip(seen["real"], seen["simulated"], strict=True):
        alike(real, simulated)
