"""NUMA cells: our verdicts against those of Nova's own code, as installed, without a cloud.

A cloud of fake hypervisors has no NUMA cells. But the code that decides about them is a function
of a host's cells and a server's flavor: the scheduler's filter and the destination's claim both
call it. ``VIGIL_TEST_NOVA_PYTHON`` names an interpreter that has it.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.numa.cells import Topology, topology_record
from domain.cluster.compute.numa.guest import guest
from domain.cluster.compute.records import HostRow, ServerRow
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from tests.properties.cluster import generate

pytestmark = pytest.mark.cloud

CASES = 1000
ARRIVALS = 8
ASKER = Path(__file__).with_name("nova_numa.py")
CHOSEN_BY_NOVA = ("large", "any")


@dataclass(frozen=True)
class Case:
    """A host, the servers that come to it, and what becomes of each (see ``nova_numa``).

    Attributes:
        leaving: place of the server that leaves before each comes; -1 if none does.
    """

    cells: Topology
    ratios: tuple[float, float]
    servers: tuple[ServerRow, ...]
    leaving: tuple[int, ...]
    outcomes: tuple[list[int] | str, ...]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    python = os.environ.get("VIGIL_TEST_NOVA_PYTHON")
    if not python:
        pytest.skip("VIGIL_TEST_NOVA_PYTHON does not name an interpreter that has Nova")
    made = [case(Random(f"nova:{number}")) for number in range(CASES)]
    asked = json.dumps([written(*one) for one in made])
    done = subprocess.run(
        [python, str(ASKER)], input=asked, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return [Case(*one, tuple(outcomes)) for one, outcomes in zip(made, told, strict=True)]


Made = tuple[Topology, tuple[float, float], tuple[ServerRow, ...], tuple[int, ...]]


def case(rng: Random) -> Made:
    cells = None
    while cells is None:
        cells = generate.topology(rng)
    servers = tuple(
        ServerRow(
            f"s{number}",
            host="source",
            vcpus=rng.choice((1, 2, 4)),
            memory_mb=rng.choice((512, 2048, 4096)),
            extra_specs=rng.choice(generate.NUMA_SPECS),
        )
        for number in range(ARRIVALS)
    )
    leaving = tuple(rng.randrange(n) if n and rng.random() < 0.25 else -1 for n in range(ARRIVALS))
    return cells, (rng.choice((1.0, 1.5, 4.0)), rng.choice((1.0, 1.1))), servers, leaving


def written(
    cells: Topology,
    ratios: tuple[float, float],
    servers: tuple[ServerRow, ...],
    leaving: tuple[int, ...],
) -> dict[str, Any]:
    return {
        "cells": topology_record(cells),
        "cpu_ratio": ratios[0],
        "ram_ratio": ratios[1],
        "servers": [
            {
                "vcpus": server.vcpus,
                "memory_mb": server.memory_mb,
                "extra_specs": dict(server.extra_specs),
                "leaving": gone,
            }
            for server, gone in zip(servers, leaving, strict=True)
        ],
    }


def rounds(one: Case, *, told: bool) -> Iterator[tuple[ServerRow, list[ServerRow], str, set[bool]]]:
    """Each server that comes: who is there, Nova's verdict, ours (possible, and certain)."""
    there: dict[str, ServerRow] = {}
    cpu, ram = one.ratios
    hosts = [
        HostRow("h0", "host", numa=one.cells, cpu_ratio=cpu, ram_ratio=ram),
        HostRow("h1", "source"),
    ]
    for server, outcome, gone in zip(one.servers, one.outcomes, one.leaving, strict=True):
        there.pop(f"s{gone}", None)
        if outcome == "impossible":
            continue
        model, bad = ComputeModel.build(hosts, [*there.values(), server])
        assert bad == ()
        place, branch = model.server_places[server.id], Branch(model)
        yield (
            server,
            list(there.values()),
            "refused" if outcome == "refused" else "accepted",
            {
                certain
                for certain in (False, True)
                if Constraints(model, numa_certain=certain)
                .explain(branch, place)
                .masks["NumaTopology"][0]
            },
        )
        if isinstance(outcome, list):
            nodes = tuple(outcome) if told and outcome else None
            there[server.id] = replace(server, host="host", numa_nodes=nodes)


def is_plain(server: ServerRow, there: list[ServerRow]) -> bool:
    """Whether the server's cells are alike and Nova chose the size of nobody's pages.

    Otherwise Nova may miss a fit: it tries to fit a server's cells in one order after the other and
    keeps a size of pages, and the numbers of cells, from an attempt that failed.
    """
    own = guest(server.vcpus or 0, server.memory_mb or 0, server.extra_specs)
    sizes = {one.extra_specs.get("hw:mem_page_size") for one in (server, *there)}
    return sizes.isdisjoint(CHOSEN_BY_NOVA) and (own is None or len(set(own.cells)) == 1)


def test_with_all_cells_told_the_rule_says_what_nova_says(cases: list[Case]) -> None:
    """To the last CPU and page."""
    compared = {"accepted": 0, "refused": 0}
    for one in cases:
        for server, there, theirs, ours in rounds(one, told=True):
            where = f"{one.cells} {there} {server}"
            if theirs == "accepted":
                assert False in ours, where
            else:
                assert True not in ours, where
            if is_plain(server, there):
                assert (theirs == "accepted") == (False in ours), where
                compared[theirs] += 1
    assert min(compared.values()) > CASES / 10


def test_with_no_cells_told_nova_is_between_possible_and_certain(cases: list[Case]) -> None:
    """What Nova accepts is never called impossible; what is called certain Nova never refuses."""
    seen = {"possible and refused": 0, "accepted and not certain": 0, "certain": 0}
    for one in cases:
        for server, there, theirs, ours in rounds(one, told=False):
            where = f"{one.cells} {there} {server}"
            if theirs == "accepted":
                assert False in ours, where
            else:
                assert True not in ours, where
            seen["possible and refused"] += theirs == "refused" and False in ours
            seen["accepted and not certain"] += theirs == "accepted" and True not in ours
            seen["certain"] += True in ours
    assert all(seen.values())
    assert seen["certain"] > CASES
