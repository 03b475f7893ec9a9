"""The output of `vigil replay`: events, states and differences, as text or JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any, TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from application.kernel.json_values import json_value
from application.replay.diff import Difference
from application.replay.state_at import AggregateAt
from application.replay.timeline import TimelineEntry
from domain.plans.action import Action
from domain.plans.action_plan import ActionPlan
from infrastructure.logs import one_line
from interfaces.terminal.wording import STATE_SIGNS, STATE_STYLES, target


def stamp(at: datetime | None) -> str:
    """A time in UTC with milliseconds."""
    if at is None:
        return "-"
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}"


def origin(entry: TimelineEntry) -> str:
    """The cause of an event: request id, run, and position of the causing event."""
    parts = []
    if entry.request_id:
        parts.append(entry.request_id)
    if entry.correlation_id:
        parts.append(f"run {str(entry.correlation_id)[:8]}")
    if entry.causation is not None:
        parts.append(f"because of {entry.causation}")
    return ", ".join(parts)


# -- events -------------------------------------------------------------------------------------


def log_json(entries: Iterable[TimelineEntry], out: TextIO) -> None:
    """Writes a JSON object per event."""
    out.writelines(json.dumps(json_value(one)) + "\n" for one in entries)


def log_text(entries: Sequence[TimelineEntry], out: Console) -> None:
    """Prints a table on a terminal, a line per event elsewhere."""
    if out.is_terminal:
        out.print(_log_table(entries))
        return
    for one in entries:
        out.print(event_line(one), markup=False)


def event_line(entry: TimelineEntry) -> str:
    """An event in a line."""
    who = f"{entry.who} ({entry.who_kind})" if entry.who else "-"
    why = origin(entry)
    what = one_line(f"{who}: {entry.what}{f'  [{why}]' if why else ''}")
    ident = f"{str(entry.aggregate_id)[:8]} v{entry.version:<4}"
    return f"{entry.position:>6}  {stamp(entry.at)}  {ident} {what}"


def _log_table(entries: Sequence[TimelineEntry]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("#", justify="right", style="dim")
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("who", overflow="fold", max_width=24)
    table.add_column("what", overflow="fold", ratio=1)
    table.add_column("why", overflow="fold", style="dim", max_width=26)
    for one in entries:
        what = Text(one_line(one.what), style="" if one.readable else "red")
        who, why = Text(one_line(one.who)), Text(one_line(origin(one)))
        table.add_row(str(one.position), stamp(one.at)[:-4], who, what, why)
    return table


# -- a state -------------------------------------------------------------------------------------


def state_json(snapshot: AggregateAt, out: TextIO) -> None:
    """Writes a JSON object."""
    head = {one.name: json_value(getattr(snapshot, one.name)) for one in fields(snapshot)[:-1]}
    out.write(json.dumps({**head, "state": snapshot.plain()}, indent=2) + "\n")


def state_text(snapshot: AggregateAt, out: Console) -> None:
    """Prints the attributes, and the actions of an action plan."""
    latest = "" if snapshot.version < snapshot.versions else ", the latest"
    out.print(
        f"{snapshot.kind} {snapshot.aggregate_id}\n"
        f"version {snapshot.version} of {snapshot.versions}{latest}: "
        f"{stamp(snapshot.at)} UTC, position {snapshot.position}, after {snapshot.topic}\n",
        markup=False,
    )
    values = snapshot.plain()
    if isinstance(snapshot.state, ActionPlan):
        values.pop("actions")
    table = Table.grid(padding=(0, 2))
    for name, value in values.items():
        table.add_row(Text(name), value_text(name, value))
    out.print(table)
    if isinstance(snapshot.state, ActionPlan):
        out.print()
        print_actions(snapshot.state, out)


def value_text(name: str, value: Any) -> Text:
    """The value of an attribute in one line."""
    if value is None:
        return Text("-", style="dim")
    if name == "state":
        return Text(str(value), style=STATE_STYLES.get(str(value), ""))
    if isinstance(value, dict) and "text" in value and "reason" in value:
        return Text(one_line(str(value["text"])))
    return Text(short(value))


def print_actions(plan: ActionPlan, out: Console) -> None:
    """Prints the actions of a plan under the hosts that they concern, first come first."""
    hosts: dict[str, list[tuple[int, Action]]] = {}
    for number, action in enumerate(plan.actions.values(), start=1):
        hosts.setdefault(_host_of(action), []).append((number, action))
    for host, actions in hosts.items():
        counts = Counter(str(action.state).lower() for _, action in actions)
        counted = ", ".join(f"{count} {state}" for state, count in counts.items())
        out.print(Text(f"{host}: {counted}", style="bold"))
        for number, action in actions:
            _print_action(number, action, out)


def _host_of(action: Action) -> str:
    given = action.spec.parameters
    named = given.get("source_node") or given.get("resource_name") or given.get("resource_id")
    return one_line(str(named or "no host"))


def _print_action(number: int, action: Action, out: Console) -> None:
    """Prints an action: what and its state in a line, its reasons below."""
    style = STATE_STYLES.get(action.state, "")
    attempts = f", attempt {action.attempt}" if action.attempt > 1 else ""
    line = Text(f"{number:>4} ")
    line.append(STATE_SIGNS.get(action.state, "·"), style)
    spec = action.spec
    line.append(f" {str(spec.id)[:8]} {spec.type} {target(spec.parameters)}  ")
    line.append(f"{action.state}{attempts}", style)
    out.print(line)
    note = f" ({action.note})" if action.note else ""
    for because in (str(spec.because), f"{action.because}{note}" if action.because else note):
        if because.strip():
            out.print(
                Padding(Text(one_line(because.strip()), style="dim"), (0, 0, 0, 7), expand=False)
            )


# -- a difference --------------------------------------------------------------------------------


def diff_json(found: Sequence[Difference], out: TextIO) -> None:
    """Writes a JSON object per attribute that differs."""
    out.writelines(json.dumps(asdict(one)) + "\n" for one in found)


def diff_text(found: Sequence[Difference], title: str, out: Console) -> None:
    """Prints a line per attribute that differs."""
    out.print(title, markup=False)
    for one in found:
        out.print(f"{one.path}: {short(one.before)} -> {short(one.after)}", markup=False)
    if not found:
        out.print("no differences")


def short(value: Any) -> str:
    """A JSON value in a line."""
    return one_line(value) if isinstance(value, str) else json.dumps(value)
