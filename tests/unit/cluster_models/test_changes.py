from typing import Any

import pytest

from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster_models import Counts
from domain.cluster_models.diff import compute_changes
from tests.unit.cluster.build import host, model, server

HOSTS = [host(1), host(2), host(3)]
SERVERS = [server(1, 1), server(2, 1), server(3, 2), server(4, None)]


def told(counts: Counts) -> Counts:
    """The counts that are not 0."""
    return {name: count for name, count in counts.items() if count}


def differing(hosts: list[HostRow], servers: list[ServerRow]) -> Counts:
    return told(compute_changes(model(HOSTS, SERVERS), model(hosts, servers)))


def test_the_same_model_has_no_changes_however_it_was_listed() -> None:
    assert differing(HOSTS[::-1], SERVERS[::-1]) == {}


def test_before_the_first_model_there_was_nothing() -> None:
    assert told(compute_changes(None, model(HOSTS, SERVERS))) == {
        "hosts_added": 3,
        "servers_added": 4,
    }


def test_what_is_new_and_what_is_gone_is_counted() -> None:
    hosts = [host(1), host(2), host(4), host(5)]
    servers = [server(1, 1), server(3, 2), server(4, None), server(5, 5), server(6, None)]
    expected = {"hosts_added": 2, "hosts_removed": 1, "servers_added": 2, "servers_removed": 1}
    assert differing(hosts, servers) == expected


@pytest.mark.parametrize("at", [2, 3])
def test_a_server_on_another_host_has_moved_and_not_changed(at: int) -> None:
    servers = [server(1, at, state="paused"), *SERVERS[1:]]
    assert differing(HOSTS, servers) == {"servers_moved": 1}


def test_hosts_that_appear_before_others_move_nobody() -> None:
    """Indices shift; what counts is the host's id."""
    assert differing([host(0), *HOSTS], SERVERS) == {"hosts_added": 1}


def test_a_server_that_gets_or_loses_its_host_has_moved() -> None:
    servers = [server(1, None), *SERVERS[1:3], server(4, 3)]
    assert differing(HOSTS, servers) == {"servers_moved": 2}


@pytest.mark.parametrize(
    "change",
    [
        {"task_state": "migrating"},
        {"vcpus": 4},
        {"locked": True},
        {"metadata": {"a": "b"}},
        {"created_at": "2026-11-24T12:00:00Z"},
        {"groups": ("g",)},
    ],
)
def test_any_other_attribute_of_a_server_is_a_change(change: dict[str, Any]) -> None:
    assert differing(HOSTS, [server(1, 1, **change), *SERVERS[1:]]) == {"servers_changed": 1}
    unplaced = [*SERVERS[:3], server(4, None, **change)]
    assert differing(HOSTS, unplaced) == {"servers_changed": 1}


@pytest.mark.parametrize(
    "change",
    [{"status": "disabled"}, {"cpu_ratio": 2.0}, {"traits": ("T",)}, {"devices": {"gpu": 1}}],
)
def test_any_attribute_of_a_host_is_a_change(change: dict[str, Any]) -> None:
    assert differing([host(1, **change), *HOSTS[1:]], SERVERS) == {"hosts_changed": 1}
