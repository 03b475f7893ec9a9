"""Placement rules beyond those of the cloud (docs/constraints.md)."""

# ruff: noqa: RUF009 - option() returns a dataclasses.field

from dataclasses import dataclass
from pathlib import Path

from infrastructure.settings.option_types import BOOLEAN, FILE, Integer
from infrastructure.settings.options import option


@dataclass(frozen=True)
class PlacementSettings:
    """Placement rules beyond those of the cloud. A run records those that it used."""

    rules_file: Path | None = option(
        "placement.rules_file",
        FILE,
        None,
        "YAML or JSON file with the operator's own placement rules (apart, together, fences, bans) "
        "for all audits. It is read at each run; a run fails if the file cannot be used.",
    )
    keep_zone: bool = option(
        "placement.keep_zone",
        BOOLEAN,
        default=True,
        help="Whether a server that is not pinned to an availability zone stays in its zone.",
    )
    numa_certain: bool = option(
        "placement.numa_certain",
        BOOLEAN,
        default=False,
        help="Whether a server with a NUMA topology is moved only to a host where it certainly "
        "fits, whose NUMA cells are therefore known. If false, it is not moved where it certainly "
        "does not fit.",
    )
    max_migrations: int = option(
        "placement.max_migrations",
        Integer(0),
        0,
        "Most migrations in progress at once, in all action plans together; 0: no limit. The "
        "planner's parallelization may be lower.",
    )
    max_migrations_per_host: int = option(
        "placement.max_migrations_per_host",
        Integer(0),
        0,
        "Most migrations in progress at once to or from one host, in all action plans together; "
        "0: no limit. The planner's parallelization may be lower.",
    )
