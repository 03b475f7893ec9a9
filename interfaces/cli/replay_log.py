"""`vigil replay log`: what happened, a line per fact."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from rich.console import Console

from application.ports.event_log import Entry
from application.replay.facts import Fact, Folding
from application.replay.find import SubjectNotFound, find
from application.replay.selection import EventSelection, of_audit, of_resource, of_run
from application.replay.timeline import timeline_entry
from interfaces.bootstrap.history import History
from interfaces.cli.replay_source import opened, wanted_resources
from interfaces.terminal import history as rendering
from interfaces.terminal.console import Terminal, terminal
from interfaces.terminal.facts import print_facts
from interfaces.terminal.history import stamp

PAGE = 500
"""Events that are read at a time while following."""
POLL = 1.0
"""Seconds between two looks at the log while following."""


def run(args: argparse.Namespace) -> int:
    """Lists facts, or events."""
    with opened(args) as history:
        selection = _selection(args, history)
        end = history.log.end()
        found, is_cut = _newest(args, history, selection)
        if args.json or args.all:
            _events(args, found, is_cut=is_cut)
        else:
            _facts(args, found, is_cut=is_cut)
        if args.follow:
            _follow(args, history, selection, end, found)
    return 0


def _selection(args: argparse.Namespace, history: History) -> EventSelection:
    chosen = _named(args, history)
    return replace(
        chosen, topics=tuple(args.type), actor=args.actor, since=args.since, until=args.until
    )


def _named(args: argparse.Namespace, history: History) -> EventSelection:
    """The events of what the arguments name."""
    log = history.log
    if args.correlation is not None:
        return of_run(log, history.index, _run(history, args.correlation))
    resource = wanted_resources(args)
    if resource:
        return of_resource(history.reads, resource[0], args.limit)
    if args.audit is not None:
        return of_audit(log, find(log, args.audit, history.index).aggregate_id)
    word = args.subject or args.plan or args.action
    if word is None:
        return EventSelection()
    subject = find(log, word, history.index)
    if subject.run is not None:
        return of_run(log, history.index, subject.run)
    actions = None if subject.action is None else frozenset((subject.action,))
    return EventSelection(aggregates=frozenset((subject.aggregate_id,)), actions=actions)


def _run(history: History, word: str) -> UUID:
    with suppress(ValueError):
        return UUID(word)
    found = find(history.log, word, history.index).run
    if found is None:
        raise SubjectNotFound(f"{word} is not the id of a run")
    return found


def _newest(
    args: argparse.Namespace, history: History, selection: EventSelection
) -> tuple[list[Entry], bool]:
    """The newest selected entries in the order of the log; whether there are earlier ones."""
    found: list[Entry] = []
    raw = args.json or args.all
    chunks = selection.newest_first(history.log)
    for chunk in chunks:
        found[:0] = chunk
        if not args.limit:
            continue
        listed = len(found) if raw else sum(1 for _ in _folded(found))
        if listed > args.limit:
            return found, next(chunks, None) is not None
    return found, False


def _folded(found: Sequence[Entry]) -> Iterator[Fact]:
    folding = Folding()
    yield from folding.of(found)
    yield from folding.running()


def _events(args: argparse.Namespace, found: list[Entry], *, is_cut: bool) -> None:
    """Lists every event."""
    listed = found[-args.limit :] if args.limit else found
    moments = list(map(timeline_entry, listed))
    if args.json:
        rendering.log_json(moments, sys.stdout)
        return
    _tell_cut(len(found) - len(listed), more=is_cut)
    out = terminal()
    with _pager(out, args):
        rendering.log_text(moments, out)


def _facts(args: argparse.Namespace, found: list[Entry], *, is_cut: bool) -> None:
    facts = list(_folded(found))
    listed = facts[-args.limit :] if args.limit else facts
    _tell_cut(len(facts) - len(listed), more=is_cut)
    if not listed:
        print("there are no such events", file=sys.stderr)
        return
    out = terminal()
    with _pager(out, args):
        print_facts(listed, out, graph=args.graph)


def _tell_cut(number: int, *, more: bool) -> None:
    if number > 0:
        at_least = "at least " if more else ""
        print(
            f"{at_least}{number} earlier lines are not shown; --limit 0 shows all", file=sys.stderr
        )


def _pager(out: Terminal, args: argparse.Namespace) -> AbstractContextManager[Any]:
    """Pages on a terminal; less ends by itself if everything fits on the screen."""
    if not out.is_terminal or args.follow:
        return nullcontext()
    os.environ.setdefault("LESS", "FRX")
    return out.pager(styles=True)


def _follow(
    args: argparse.Namespace,
    history: History,
    selection: EventSelection,
    after: int,
    found: list[Entry],
) -> None:
    """Prints what is appended, until Ctrl-C."""
    folding, out, day = Folding(), terminal(), ""
    for fact in folding.of(found):  # and then it knows the actions that are running
        day = stamp(fact.at)[:10]
    while True:
        history.wait(after, POLL)
        while entries := history.log.read(after, PAGE):
            after = entries[-1].position
            chosen = [one for one in entries if selection.admits(one)]
            day = _print_new(args, chosen, folding, out, day)


def _print_new(
    args: argparse.Namespace, chosen: list[Entry], folding: Folding, out: Console, day: str
) -> str:
    """Prints new events; returns the day of the last line."""
    if args.json:
        rendering.log_json(map(timeline_entry, chosen), sys.stdout)
        sys.stdout.flush()
    elif args.all:
        rendering.log_text(list(map(timeline_entry, chosen)), out)
    else:
        return print_facts(list(folding.of(chosen)), out, graph=False, day=day)
    return day
