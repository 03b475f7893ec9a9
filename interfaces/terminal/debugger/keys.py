"""The keys and commands of the debugger, in the order of its help."""

from typing import NamedTuple


class Key(NamedTuple):
    """A key.

    Attributes:
        names: as textual names them, with commas between them.
        shown: as the help shows them.
        action: method of the debugger, with its arguments.
        help: what it does.
    """

    names: str
    shown: str
    action: str
    help: str


KEYS = (
    Key("down,j", "↓ j", "step(1)", "next line"),
    Key("up,k", "↑ k", "step(-1)", "previous line"),
    Key("pagedown,space", "PgDn", "page(1)", "next screen"),
    Key("pageup", "PgUp", "page(-1)", "previous screen"),
    Key("home,g", "Home", "end(-1)", "first line"),
    Key("end,G", "End", "end(1)", "last line; reads what was appended meanwhile"),
    Key("right_square_bracket", "]", "same_aggregate(1)", "next event of this object"),
    Key("left_square_bracket", "[", "same_aggregate(-1)", "previous event of this object"),
    Key("right", "→", "scrub(1)", "next action that changed a host of this plan"),
    Key("left", "←", "scrub(-1)", "previous action that changed a host of this plan"),
    Key("h", "h", "toggle_hosts", "all hosts of this plan, or the list again"),
    Key("u", "u", "resource", "next resource of the hosts: vcpus, memory_mb, …"),
    Key("t", "t", "toggle_tree", "this run as a tree of causes, or the log again"),
    Key("r", "r", "toggle_every", "every event, or only facts that matter"),
    Key("m", "m", "bookmark", "set or remove a bookmark (●)"),
    Key("apostrophe", "'", "next_bookmark", "next bookmark"),
    Key("c", "c", "change(1)", "next change of a watched attribute (◆)"),
    Key("C", "C", "change(-1)", "previous change of a watched attribute"),
    Key("slash", "/", "search", "search forward for a text"),
    Key("n", "n", "match(1)", "next line with that text"),
    Key("N", "N", "match(-1)", "previous line with that text"),
    Key("colon", ":", "command", "enter a command"),
    Key("enter", "Enter", "details", "all details of this line"),
    Key("w", "w", "why", "why this was decided, and what was rejected"),
    Key("y", "y", "copy_command", "copy the command that shows this state in a shell"),
    Key("Y", "Y", "copy_id", "copy the id of this object"),
    Key("escape", "Esc", "leave", "back: stops a search, leaves the hosts or the tree"),
    Key("question_mark,f1", "?", "help", "this help"),
    Key("q,ctrl+c", "q", "quit", "quit"),
)
COMMANDS = (
    (":goto WHERE", "a log position, a time (ISO 8601), an id, or a name; also :WHERE"),
    (":watch FIELD", "mark changes of an attribute of this object; again: not any more"),
    (":until EXPR", "the event at which a condition becomes true (as `vigil replay bisect`)"),
)
SIGNS = (
    ("✓ ✗ - ▶", "an action succeeded, failed, was skipped or cancelled, is running"),
    ("█ + - ·", "hosts: allocated since the decision, gained, freed, free"),
    ("* ○", "hosts: changed by this event, out of service"),
)


def help_lines() -> list[str]:
    """The help as text."""
    keys = [f"{key.shown:<9} {key.help}" for key in KEYS]
    commands = [f"{name:<14} {text}" for name, text in COMMANDS]
    signs = [f"{sign:<9} {text}" for sign, text in SIGNS]
    return [*keys, "", *commands, "", *signs]
