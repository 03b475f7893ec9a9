"""The verbs of events, services of strategies, and other parts of the API that are no objects."""

import argparse
import itertools
import json
import sys

from interfaces.cli.nouns.asking import busy
from interfaces.cli.nouns.finding import path_of
from interfaces.cli.nouns.noun import Call, Column, Row
from interfaces.cli.nouns.output import show_rows, table, watched
from interfaces.cli.nouns.verbs import add_list, filters, list_rows
from interfaces.cli.printing import print_line, print_lines

_STATE = (
    Column("REQUIREMENT", "type"),
    Column("STATE", "state"),
    Column("MANDATORY", "mandatory"),
    Column("COMMENT", "comment"),
)


def add_events(parser: argparse.ArgumentParser) -> None:
    """Declares which events are listed."""
    add_list(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="print new ones as they happen")


def list_events(call: Call) -> int:
    """Lists events, or follows them until Ctrl-C."""
    if not call.args.follow:
        return list_rows(call)
    new = call.client.stream("/v1/events/stream", **filters(call))
    for event in itertools.islice(new, call.args.limit):
        print_line(_line(call, event.data))
        sys.stdout.flush()
    return 0


def _line(call: Call, row: Row) -> str:
    if call.args.output in {"json", "yaml"}:
        return json.dumps(row)
    return f"{row['position']}  {row['at']}  {row['actor']}  {row['type']}  {row['summary']}"


def strategy_state(call: Call) -> int:
    """Shows whether the requirements of a strategy are met."""

    def show() -> None:
        with busy():
            rows = call.client.get(f"{path_of(call.client, call.noun, call.args.target)}/state")
        if call.args.output in {"table", "wide"}:
            print_lines(table(_STATE, rows))
        else:
            show_rows(call, rows)

    return watched(call, show)
