"""Hosts and servers of the cloud."""

import msgspec

from application.replay.cluster_view import Amount, HostAfter, HostLine, ServerLine
from application.replay.cluster_views import ModelInfo


class HostsDocument(msgspec.Struct, kw_only=True):
    """A page of the hosts. ``next``: the marker of the next page, null on the last one."""

    model: ModelInfo
    hosts: list[HostLine]
    next: str | None = None


class ServersDocument(msgspec.Struct, kw_only=True):
    """A page of the servers. ``next``: as of hosts."""

    model: ModelInfo
    servers: list[ServerLine]
    next: str | None = None


class HostDocument(msgspec.Struct, kw_only=True):
    """A host and its servers."""

    model: ModelInfo
    name: str
    uuid: str
    zone: str
    status: str
    state: str
    disabled_reason: str | None
    servers: int
    vcpus: Amount
    memory_mb: Amount
    disk_gb: Amount
    after: HostAfter | None
    server_list: list[ServerLine]


class ServerDocument(msgspec.Struct, kw_only=True):
    """A server."""

    model: ModelInfo
    uuid: str
    name: str
    host: str | None
    state: str
    vcpus: int
    memory_mb: int
    disk_gb: int
    project: str
    flavor: str
    locked: bool
    after_host: str | None
