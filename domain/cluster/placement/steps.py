"""The steps of a branch. Indices are those of the models."""

from dataclasses import dataclass

from domain.cluster.compute.flavor import Flavor


@dataclass(frozen=True)
class Move:
    """One server from one host to another."""

    server: int
    source: int
    destination: int


@dataclass(frozen=True)
class Resize:
    """Another flavor for a server, on its host.

    Attributes:
        before: the flavor of an earlier resize; None for that of the model.
    """

    server: int
    before: Flavor | None
    after: Flavor


@dataclass(frozen=True)
class RunSwitch:
    """One server started or stopped."""

    server: int
    running: bool


@dataclass(frozen=True)
class ServiceSwitch:
    """One host enabled or disabled for new servers."""

    host: int
    enabled: bool


@dataclass(frozen=True)
class PowerSwitch:
    """One host switched on or off."""

    host: int
    on: bool


@dataclass(frozen=True)
class VolumeMove:
    """One volume from one pool to another."""

    volume: int
    source: int
    destination: int


@dataclass(frozen=True)
class Retype:
    """Another type for a volume, in its pool.

    Attributes:
        before: the type of an earlier retype; None for that of the model.
    """

    volume: int
    before: str | None
    after: str


StorageStep = VolumeMove | Retype
Step = Move | Resize | RunSwitch | ServiceSwitch | PowerSwitch | StorageStep

LoggedStep = list[object]
"""A step by ids, as JSON: what happens, to which resource, and how (``Branch.to_log``)."""
