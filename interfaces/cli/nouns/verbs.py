"""The verbs that nouns share."""

import argparse
from urllib.parse import quote

from interfaces.cli.arguments import SHORTEST, pause, positive
from interfaces.cli.errors import CommandFailed
from interfaces.cli.nouns.asking import busy
from interfaces.cli.nouns.finding import found, identity, listed, path_of
from interfaces.cli.nouns.noun import Call, Verb
from interfaces.cli.nouns.output import FORMATS, is_table, show_row, show_rows, watched
from interfaces.cli.printing import print_line


def add_output(parser: argparse.ArgumentParser) -> None:
    """Declares how objects are printed."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--output", choices=FORMATS, default="table", help="form of the output (table)"
    )
    group.add_argument(
        "--watch",
        nargs="?",
        const=2.0,
        type=pause,
        metavar="S",
        help=f"print again every S seconds (2, at least {SHORTEST}) until Ctrl-C",
    )


def add_target(parser: argparse.ArgumentParser) -> None:
    """Declares the object."""
    parser.add_argument("target", metavar="NAME", help="its name or uuid, or how these begin")


def add_targets(parser: argparse.ArgumentParser) -> None:
    """Declares several objects."""
    parser.add_argument(
        "targets", metavar="NAME", nargs="+", help="names or uuids, or how these begin"
    )


def add_reason(parser: argparse.ArgumentParser) -> None:
    """Declares a reason that users will read."""
    parser.add_argument("--reason", metavar="TEXT", help="why; it is shown to users")


def lister(*examples: str) -> Verb:
    """The verb that lists objects."""
    return Verb("list", "list them", list_rows, add_list, examples, shows=True)


def shower(*examples: str) -> Verb:
    """The verb that shows an object."""
    return Verb("show", "show one", show_one, add_target, examples, shows=True)


def deleter(*examples: str) -> Verb:
    """The verb that deletes objects."""
    return Verb("delete", "delete some", delete, add_targets, examples)


def add_list(parser: argparse.ArgumentParser) -> None:
    """Declares which rows are listed, and in which order."""
    parser.add_argument("--limit", type=positive, metavar="N", help="list at most N")
    parser.add_argument(
        "--sort", metavar="KEY", help="attribute to sort by; KEY:desc is the reverse order"
    )
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="list only those with this value; may be repeated",
    )


def list_rows(call: Call) -> int:
    """Lists the objects."""
    query = {**filters(call), **_order(call)}

    def show() -> None:
        with busy():
            rows = list(listed(call.client, call.noun, call.args.limit, **query))
            if is_table(call):
                call.noun.extend(call.client, rows)
        show_rows(call, rows)

    return watched(call, show)


def filters(call: Call) -> dict[str, str]:
    """The query parameters that select rows.

    Raises:
        CommandFailed: the list has no such filter.
    """
    chosen: dict[str, str] = {}
    for given in call.args.filter:
        name, equals, value = given.partition("=")
        if not equals or name not in call.noun.filters:
            known = ", ".join(call.noun.filters) or "none"
            raise CommandFailed(
                f"--filter {given}: {call.noun.words}s have no such filter",
                hint=f"filters are NAME=VALUE with one of these names: {known}",
                code=2,
            )
        chosen[name] = value
    return chosen


def _order(call: Call) -> dict[str, str]:
    if call.args.sort is None:
        return {}
    if not call.noun.sorts:
        raise CommandFailed(
            f"--sort: the list of {call.noun.words}s has one order", hint="leave it out", code=2
        )
    key, _, direction = call.args.sort.partition(":")
    return {"sort_key": key, **({"sort_dir": direction} if direction else {})}


def show_one(call: Call) -> int:
    """Shows an object."""

    def show() -> None:
        with busy():
            row = found(call.client, call.noun, call.args.target)
        show_row(call, row)

    return watched(call, show)


def delete(call: Call) -> int:
    """Deletes objects."""
    for word in call.args.targets:
        with busy():
            row = found(call.client, call.noun, word)
            call.client.delete(f"/v1/{call.noun.path}/{identity(call.noun, row)}")
        print_line(f"deleted {call.noun.words} {named(call, row)}")
    return 0


def set_state(call: Call, word: str, state: str, done: str) -> None:
    """Changes the state of an object and says so."""
    with busy():
        path = path_of(call.client, call.noun, word)
        row = call.client.patch(path, [{"op": "replace", "path": "/state", "value": state}])
    print_line(f"{done} {call.noun.words} {named(call, row)}: {row['state']}")


def named(call: Call, row: dict[str, object]) -> str:
    """An object in a sentence: its name, or its uuid if it has none."""
    return str(row.get("name") or row[call.noun.identity[0]])


def quoted(word: str) -> str:
    """A word as a segment of a path."""
    return quote(word, safe="")
