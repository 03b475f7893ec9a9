"""Values of the API as short texts."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from interfaces.terminal.wording import STATE_SIGNS, STATE_STYLES, Counts, duration

GB = 1e9
BRIEF = 8
"""Characters of an id that are shown."""
COUNTS = ("total", "succeeded", "failed", "skipped", "cancelled")


def brief(ident: object) -> str:
    """The beginning of an id."""
    return str(ident or "-")[:BRIEF]


def moment(text: str | None) -> datetime | None:
    """A time of the API; UTC if it has no offset."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def clock_time(text: str | None) -> str:
    """The time of day in UTC: ``07:31:02``."""
    found = moment(text)
    return "-" if found is None else f"{found.astimezone(UTC):%H:%M:%S}"


def until(text: str | None, now: str | None) -> str:
    """How far ahead a time is: ``in 5m``; ``due`` if it has passed, for no plan is in the past."""
    due, present = moment(text), moment(now)
    if due is None or present is None:
        return "-"
    seconds = (due - present).total_seconds()
    return f"in {duration(seconds)}" if seconds >= 1 else "due"


def state(name: str) -> Text:
    """A state with its sign."""
    return Text(f"{STATE_SIGNS.get(name, '·')} {name}", STATE_STYLES.get(name, ""))


def number(value: float | None) -> str:
    """A number in at most three decimals."""
    return "-" if value is None else f"{round(value, 3):g}"


def percent(value: float | None) -> str:
    """A percentage of 0..100."""
    return "-" if value is None else f"{value:.0f}%"


def gigabytes(copied: int | None, size: int | None) -> str:
    """What is copied of what there is to copy, empty if unknown: ``3.4 of 8.0 GB``."""
    if copied is None:
        return "" if size is None else f"{size / GB:.1f} GB"
    return f"{copied / GB:.1f}{f' of {size / GB:.1f}' if size else ''} GB"


def rate(value: float | None) -> str:
    """Bytes per second as text, empty if unknown: ``112 MB/s``."""
    return "" if value is None else f"{value / 1e6:.0f} MB/s"


def gain(found: Mapping[str, Any] | None) -> str:
    """An efficacy indicator: ``released_nodes_ratio 25 %``."""
    if not found or found.get("value") is None:
        return "-"
    unit = found.get("unit") or ""
    before = f"{number(found['before'])} -> " if found.get("before") is not None else ""
    return f"{found['name']} {before}{number(found['value'])} {unit}".rstrip()


def left(plan: Mapping[str, Any]) -> str:
    """How long the rest of a plan takes: ``1h 5m left``, with its range if it is known."""
    rest = plan.get("rest")
    if not rest:
        return ""
    if rest.get("seconds") is None:
        return "duration unknown"
    takes = duration(rest["seconds"])
    word = "left" if plan["state"] in ("ONGOING", "CANCELLING") else "expected"
    low, high = rest.get("low"), rest.get("high")
    if low is not None and high is not None and duration(low) != duration(high):
        return f"{takes} {word} ({duration(low)} to {duration(high)})"
    return f"{takes} {word}"


def counts(plan: Mapping[str, Any]) -> Counts | None:
    """The numbers of actions of a plan, None if they are unknown."""
    if plan.get("total") is None:
        return None
    return Counts(*(int(plan.get(name) or 0) for name in COUNTS))


def words(document: Mapping[str, Any], names: Iterable[str]) -> str:
    """Some values of an object in one text, for filters."""
    return " ".join(str(document[name]) for name in names if document.get(name) is not None)


def gained(plan: Mapping[str, Any]) -> float | None:
    """The first efficacy indicator of a plan as a number."""
    found = plan.get("gain")
    return None if not found else found.get("value")


def seconds_between(begin: str | None, end: str | None) -> float | None:
    """Seconds from one time of the API to another, None if either is unknown."""
    first, last = moment(begin), moment(end)
    return None if first is None or last is None else (last - first).total_seconds()


def plain(value: Text | str) -> str:
    """The text of a cell."""
    return value if isinstance(value, str) else value.plain


def joined(*parts: object) -> str:
    """Those parts that are not empty, separated."""
    return "  ".join(str(part) for part in parts if part)
