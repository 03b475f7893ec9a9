"""Asks Nova's own code which NUMA cells servers get: run by an interpreter that has Nova installed.

Reads a list of cases from standard input: ``cells`` of a host (as in a cluster file), its
``cpu_ratio`` and ``ram_ratio``, and ``servers`` (``vcpus``, ``memory_mb``, ``extra_specs``) that
come one after the other; before one comes, another that came earlier may leave (``leaving``, its
place in the list, or null). Writes for each case what became of each server: the numbers of the
host's cells that it got, ``[]`` if it floats, ``"refused"`` if it does not fit (and stays away),
``"impossible"`` if Nova does not build servers of such a flavor.
"""

import json
import sys
from typing import Any

from nova import exception, objects  # type: ignore[import-not-found]
from nova.virt import hardware  # type: ignore[import-not-found]

ORDINARY_KB = 4


def host(cells: list[dict[str, Any]]) -> Any:
    """Nova's form of a host's cells. No two CPUs share a core."""
    numbers = iter(range(10_000))
    made = []
    for cell in cells:
        shared = {next(numbers) for _ in range(cell["cpus"])}
        dedicated = {next(numbers) for _ in range(cell["pcpus"])}
        huge = {int(size): count for size, count in cell["pages"].items()}
        ordinary = cell["memory_mb"] * 1024 - sum(size * count for size, count in huge.items())
        pages = {ORDINARY_KB: ordinary // ORDINARY_KB, **huge}
        made.append(
            objects.NUMACell(
                id=cell["id"],
                cpuset=shared,
                pcpuset=dedicated,
                memory=cell["memory_mb"],
                cpu_usage=0,
                memory_usage=0,
                pinned_cpus=set(),
                siblings=[{cpu} for cpu in sorted(shared | dedicated)] or [set()],
                mempages=[
                    objects.NUMAPagesTopology(size_kb=size, total=count, used=0, reserved=0)
                    for size, count in pages.items()
                ],
                socket=None,
            )
        )
    return objects.NUMATopology(cells=made)


def outcomes(case: dict[str, Any]) -> list[Any]:
    """What becomes of the servers of a case."""
    topology = host(case["cells"])
    limits = objects.NUMATopologyLimits(
        cpu_allocation_ratio=case["cpu_ratio"], ram_allocation_ratio=case["ram_ratio"]
    )
    image = objects.ImageMeta(properties=objects.ImageMetaProps())
    found: list[Any] = []
    there: dict[int, Any] = {}
    for place, server in enumerate(case["servers"]):
        gone = there.pop(server.pop("leaving"), None)
        topology = hardware.numa_usage_from_instance_numa(topology, gone, free=True)
        try:
            wanted = hardware.numa_get_constraints(objects.Flavor(**server), image)
        except (exception.NovaException, ValueError):
            found.append("impossible")
            continue
        if wanted is None:
            found.append([])
            continue
        got = hardware.numa_fit_instance_to_host(topology, wanted, {}, limits=limits)
        found.append([cell.id for cell in got.cells] if got else "refused")
        if got:
            there[place] = got
            topology = hardware.numa_usage_from_instance_numa(topology, got)
    return found


if __name__ == "__main__":
    objects.register_all()
    json.dump([outcomes(case) for case in json.load(sys.stdin)], sys.stdout)
