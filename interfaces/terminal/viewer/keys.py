"""The keys and commands of the viewer, in the order of its help."""

from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from interfaces.terminal.viewer.heat import LEGEND

if TYPE_CHECKING:
    from interfaces.terminal.viewer.viewer import Viewer


class Key(NamedTuple):
    """A key.

    Attributes:
        names: as textual names them, with commas between them.
        shown: as the help shows them.
        action: method of the app, with its arguments.
        help: what it does.
    """

    names: str
    shown: str
    action: str
    help: str


KEYS = (
    Key("down,j", "↓ j", "move(1)", "next row"),
    Key("up,k", "↑ k", "move(-1)", "previous row"),
    Key("pagedown,space", "PgDn", "page(1)", "next rows"),
    Key("pageup", "PgUp", "page(-1)", "previous rows"),
    Key("g", "g", "edge(-1)", "first row"),
    Key("G", "G", "edge(1)", "last row"),
    Key("l", "l", "side(1)", "next host of the map; else the next pane"),
    Key("h", "h", "side(-1)", "previous host of the map; else the previous pane"),
    Key("tab", "Tab", "tab(1)", "next pane"),
    Key("shift+tab", "Shift-Tab", "tab(-1)", "previous pane"),
    Key("1", "1 … 7", "pane(1)", "a pane by its number"),
    Key("enter", "Enter", "open", "open: audit, plan, action, host or server, its decisions"),
    Key("escape", "Esc", "leave", "back: ends a filter, closes a page"),
    Key("w", "w", "why", "why: the recorded reasons, and what was rejected"),
    Key("d", "d", "describe", "describe: every value"),
    Key("e", "e", "events", "the events of an audit, a plan or an action"),
    Key("r", "r", "replay", "open the debugger at this event"),
    Key("slash", "/", "filter", "filter the rows: all words; !word: rows without it"),
    Key("colon", ":", "command", "enter a command"),
    Key("s", "s", "sort", "sort by the next column"),
    Key("S", "S", "reverse", "turn the order round"),
    Key("u", "u", "resource", "next resource of the hosts: memory, vCPUs, disk"),
    Key("left", "←", "past(-1)", "one event back in time"),
    Key("right", "→", "past(1)", "one event forward in time"),
    Key("end", "End", "present", "back to now"),
    Key("L", "L", "launch", "launch a recommended plan"),
    Key("C", "C", "cancel", "cancel a plan"),
    Key("X", "X", "skip", "skip an action of a plan that has not started"),
    Key("A", "A", "actuation", "suspend or resume all changes to the cloud"),
    Key("R", "R", "refresh", "read everything again"),
    Key("question_mark,f1", "?", "help", "this help"),
    Key("q,ctrl+c", "q", "quit", "quit"),
)
COMMANDS = (
    (":plan ID", "a plan by the beginning of its id; also :action ID, :audit NAME"),
    (":host NAME", "a host; also :server NAME"),
    (":audit", "all audits; also :plan, :host, :server, :event"),
    (":at WHEN", "the state at a log position"),
    (":q", "quit"),
)
SIGNS = (
    ("✓ ✗ - ▶ ·", "succeeded, failed, skipped or cancelled, running, any other state"),
    ("● ✗", "a role is alive, is not"),
    ("✗ ? ! ●", "health: failed, blind (Vigil or the viewer sees too little), warning, ok"),
    ("map", LEGEND),
)
_HINTS = (
    "Enter open",
    "w why",
    "Tab pane",
    "? help",
    "/ filter",
    ": jump",
    "←→ past",
    "e events",
    "d describe",
    "s sort",
    "L launch",
    "C cancel",
    "A actuation",
    "r replay",
    "q quit",
)


def hint(viewer: "Viewer", width: int) -> Text:
    """The most important keys, as many as fit."""
    hints = ("Esc back", *_HINTS) if viewer.opened or viewer.rows.filter else _HINTS
    line = Text(" ")
    for one in hints:
        name, _, text = one.partition(" ")
        if line.cell_len + len(one) + 2 > width:
            break
        line.append(name, "bold").append(f" {text}  ", "dim")
    return line


def help_lines() -> list[str]:
    """The help as text."""
    keys = [f"{key.shown:<10} {key.help}" for key in KEYS]
    commands = [f"{name:<12} {text}" for name, text in COMMANDS]
    signs = [f"{sign:<10} {text}" for sign, text in SIGNS]
    return [*keys, "", *commands, "", *signs]
