"""Every strategy: the same plan in every process."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping

from tests.benchmarks.strategies.cases import Data, parameters_of
from tests.benchmarks.strategies.crowded import cluster
from tests.world.plugins import STRATEGIES
from vigil.testing import solve

HOSTS, SERVERS, VOLUMES = 8, 240, 60
ONE_PLAN_EACH = f"from {__name__} import digests; print(digests())"


def plan(name: str, data: Data, parameters: Mapping[str, object]) -> str:
    """The plan of a strategy with all that it says, as text."""
    found = solve(name, data, parameters, seed=7)
    said = [
        found.actions(),
        found.reasons(),
        [(one.parents, one.requires) for one in found.planned],
        [(str(one.subject), str(one.because)) for one in found.rejections],
        [str(note) for note in found.notes],
        dict(found.indicators),
    ]
    return json.dumps(said)


def digests() -> str:
    """A digest of each strategy's plan."""
    data = cluster(HOSTS, SERVERS, VOLUMES)
    plans = {name: plan(name, data, parameters_of(name, data, 0)[1]) for name in STRATEGIES}
    found = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in plans.items()}
    return json.dumps(found, sort_keys=True)


def test_plans_are_the_same_bytes_in_every_process_and_time_zone() -> None:
    """Sets of texts are ordered by a seed of the process; a plan that follows it has no record."""
    found = [
        subprocess.run(
            [sys.executable, "-c", ONE_PLAN_EACH],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout
        for seed, zone in (("1", "Pacific/Kiritimati"), ("4242", "America/Los_Angeles"))
    ]
    assert json.loads(found[0]) == json.loads(found[1])
    assert len(json.loads(found[0])) == len(STRATEGIES)
