"""A cloud at two moments, as text."""

from collections.abc import Iterator

from application.replay.cluster_diff import ClusterDifference, HostDifference, Shares
from interfaces.terminal.history import short


def cluster_lines(found: ClusterDifference, title: str) -> Iterator[str]:
    """The counts, then each host that differs: its shares, what came and what went."""
    yield title
    yield ", ".join(
        f"{name.replace('_', ' ')} {count} -> {found.after[name]}"
        if count != found.after[name]
        else f"{name.replace('_', ' ')} {count}"
        for name, count in found.before.items()
    )
    for host in found.hosts:
        yield from _host_lines(host)
    if not found.hosts:
        yield "no differences"


def _host_lines(one: HostDifference) -> Iterator[str]:
    fate = "" if one.before and one.after else "  new" if one.after else "  removed"
    yield f"{one.host}{fate}"
    shares = ", ".join(_shares(one.before, one.after))
    if shares:
        yield f"  allocated: {shares}"
    for attribute in one.attributes:
        yield f"  {attribute.path}: {short(attribute.before)} -> {short(attribute.after)}"
    for server, source in one.came.items():
        yield f"  + {server}" + (f" <- {source}" if source else "  new")
    for server, to in one.went.items():
        yield f"  - {server}" + (f" -> {to}" if to else "  gone")


def _shares(before: Shares, after: Shares) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        was, now = (one.get(name, {}).get("percent") for one in (before, after))
        if was != now:
            yield f"{name} {_percent(was)} -> {_percent(now)}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} %"
