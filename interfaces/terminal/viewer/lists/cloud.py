"""Hosts and servers of the compute model."""

from collections.abc import Callable
from functools import partial

from rich.text import Text

from interfaces.terminal.viewer import values
from interfaces.terminal.viewer.listing import Column, Document, Listing, Subject

RESOURCES = {"memory_mb": "memory", "vcpus": "vCPUs", "disk_gb": "disk"}
"""Resource of a host, as the API names it → as people do."""
CLOSED, DOWN = "○", "✗"
"""Signs of a host that takes no servers, and of one that is down."""


def fill(host: Document, resource: str) -> float:
    """What is allocated of a host, of 1."""
    return float(host[resource]["used"]) / _capacity(host, resource)


def fill_after(host: Document, resource: str) -> float | None:
    """What will be allocated of a host when the plan is done, of 1; None if no plan is shown."""
    after = host.get("after")
    return None if after is None else float(after[resource]) / _capacity(host, resource)


def _capacity(host: Document, resource: str) -> float:
    """What can be allocated; shared storage is unlimited: then what the host has."""
    amount = host[resource]
    return float(amount["capacity"] or amount["total"] or 1)


def condition(host: Document) -> str:
    """The sign of a host out of service; empty if it takes servers."""
    if host.get("state") == "down":
        return DOWN
    return CLOSED if host.get("status") == "disabled" else ""


def _condition(host: Document) -> Text:
    sign = condition(host)
    if not sign:
        return Text("up")
    why = host.get("disabled_reason")
    name = "down" if sign == DOWN else "closed"
    return Text(f"{sign} {name}" + (f": {why}" if why else ""), "red" if sign == DOWN else "")


def _allocated(resource: str) -> Callable[[Document], str]:
    def draw(host: Document) -> str:
        now, after = fill(host, resource), fill_after(host, resource)
        changed = after is not None and round(100 * after) != round(100 * now)
        return f"{100 * now:.0f}%" + (f" -> {100 * (after or 0):.0f}%" if changed else "")

    return draw


HOSTS = Listing(
    name="CLUSTER",
    columns=(
        Column("host", lambda one: one["name"], lambda one: one["name"]),
        Column("zone", lambda one: one.get("zone") or "-", lambda one: one.get("zone")),
        Column("servers", lambda one: str(one["servers"]), lambda one: one["servers"], right=True),
        *(
            Column(name, _allocated(key), partial(fill, resource=key))
            for key, name in RESOURCES.items()
        ),
        Column("condition", _condition, condition),
    ),
    subject=lambda one: Subject("host", one["name"], one["name"]),
    words=lambda one: (
        values.words(one, ("name", "uuid", "zone", "status", "state", "disabled_reason"))
        + (" closed" if one.get("status") == "disabled" else "")
    ),
    empty="no compute model has been collected",
)


def _place(one: Document) -> str:
    after = one.get("after_host")
    return (
        f"{one['host']} -> {after}" if after and after != one["host"] else str(one["host"] or "-")
    )


SERVERS = Listing(
    name="SERVERS",
    columns=(
        Column(
            "server", lambda one: one["name"] or values.brief(one["uuid"]), lambda one: one["name"]
        ),
        Column("host", _place, lambda one: one["host"]),
        Column("state", lambda one: one["state"], lambda one: one["state"]),
        Column(
            "vCPUs",
            lambda one: values.number(one.get("vcpus")),
            lambda one: one.get("vcpus"),
            right=True,
        ),
        Column(
            "memory MB",
            lambda one: values.number(one.get("memory_mb")),
            lambda one: one.get("memory_mb"),
            least=60,
            right=True,
        ),
        Column(
            "locked",
            lambda one: "locked" if one.get("locked") else "",
            lambda one: not one.get("locked"),
            least=80,
        ),
        Column(
            "project",
            lambda one: one.get("project") or "-",
            lambda one: one.get("project"),
            least=120,
        ),
        Column("id", lambda one: one["uuid"]),
    ),
    subject=lambda one: Subject("server", one["uuid"], one["name"]),
    words=lambda one: (
        f"{one['name']} {one['uuid']} {one['host']} {one.get('project')} {one['state']}"
        + (" locked" if one.get("locked") else "")
    ),
    empty="no server",
)
