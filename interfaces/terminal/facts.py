"""The output of `vigil replay log`: a line per fact, or a tree of causes."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from application.replay.facts import Fact, causes
from infrastructure.logs import one_line
from interfaces.terminal.history import stamp
from interfaces.terminal.wording import STATE_SIGNS, STATE_STYLES


def fact_line(fact: Fact, indent: str = "") -> Text:
    """A fact in one line."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{fact.position:>7} ", "dim")
    line.append(f"{stamp(fact.at)[:19]}  {indent}")
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


def print_facts(facts: Sequence[Fact], out: Console, *, graph: bool) -> None:
    """Prints facts, newest last, or under the facts that caused them."""
    lines = _tree(facts) if graph else map(fact_line, facts)
    for line in lines:
        out.print(line)


def _tree(facts: Sequence[Fact]) -> Iterator[Text]:
    """Each fact after the one that caused it; one whose cause is not listed stands at the top."""
    cause = causes(facts)
    children: dict[int | None, list[Fact]] = {}
    for fact in facts:
        children.setdefault(cause.get(fact.position), []).append(fact)
    waiting = [(fact, "", "") for fact in reversed(children.get(None, []))]
    while waiting:
        fact, lead, below = waiting.pop()
        yield fact_line(fact, lead)
        found = children.get(fact.position, [])
        for place, child in reversed(list(enumerate(found))):
            last = place == len(found) - 1
            lead, deeper = ("└ ", "  ") if last else ("├ ", "│ ")
            waiting.append((child, below + lead, below + deeper))
