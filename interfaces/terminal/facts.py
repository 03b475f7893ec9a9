"""The output of `vigil replay log`: a line per fact, or a tree of causes."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from application.replay.facts import Fact, cause_tree
from infrastructure.logs import one_line
from interfaces.terminal.history import stamp
from interfaces.terminal.wording import STATE_SIGNS, STATE_STYLES

DATED = 95
"""Columns from which each line has its date."""


def fact_line(fact: Fact, indent: str = "", *, with_date: bool = True) -> Text:
    """A fact in one line."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{fact.position:>7} ", "dim")
    line.append(f"{stamp(fact.at)[0 if with_date else 11 : 19] or '-'}  {indent}")
    style = "" if fact.readable else "red"
    if fact.state is not None:
        style = STATE_STYLES.get(fact.state, "")
        line.append(f"{STATE_SIGNS.get(fact.state, '·')} ", style)
    line.append(one_line(fact.what), style if fact.state is None else "")
    if fact.seconds is not None:
        line.append(f"  {fact.seconds:.1f} s", "bold")
    elif fact.state is not None and fact.state == "ONGOING":
        line.append("  running", "cyan")
    if fact.why:
        line.append(f"  {one_line(fact.why)}", style)
    if fact.state is None and fact.who:
        line.append(f"  [{one_line(fact.who)}]", "dim")
    return line


def print_facts(facts: Sequence[Fact], out: Console, *, graph: bool, day: str = "") -> str:
    """Prints facts, newest last, or under the facts that caused them.

    Args:
        facts: in the order of the log.
        out: where.
        graph: whether each stands under the one that caused it.
        day: of the line before.

    Returns:
        The day of the last line.
    """
    for fact, lead in cause_tree(facts) if graph else ((one, "") for one in facts):
        day = _print_fact(fact, out, lead, day)
    return day


def _print_fact(fact: Fact, out: Console, lead: str, day: str) -> str:
    """Prints a fact; on a narrow terminal another day is in a line of its own. Returns its day."""
    dated = not out.is_terminal or out.width >= DATED
    today = stamp(fact.at)[:10]
    if not dated and today != day:
        out.print(Text(f"        {today} UTC", "dim"))
    out.print(fact_line(fact, lead, with_date=dated))
    return today
