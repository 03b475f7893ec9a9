"""``python -m tests.properties.cluster.fuzz --steps 1000000 --seed 1``: the walk, for long."""

import argparse
import json
import sys
import time
from random import Random

from tests.properties.cluster.walk import Tally, Walk

STEPS_PER_CLUSTER = 200


def fuzz(steps: int, seed: int) -> Tally:
    """Walks over clusters until so many steps are taken; raises Disagreement with the seed."""
    tally = Tally()
    while tally.steps < steps:
        place = f"{seed}:{tally.clusters}"
        try:
            Walk(Random(place), tally).run(STEPS_PER_CLUSTER)
        except AssertionError as error:
            raise AssertionError(f"seed {place!r}: {error}") from error
    return tally


def main() -> None:
    """Prints what was compared as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begun = time.process_time()
    tally = fuzz(options.steps, options.seed)
    figures = {
        "seed": options.seed,
        "clusters": tally.clusters,
        "steps": tally.steps,
        "verdicts": tally.verdicts,
        "legal": tally.legal,
        "refusals": dict(tally.refusals.most_common()),
        "cpu_seconds": round(time.process_time() - begun, 1),
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
