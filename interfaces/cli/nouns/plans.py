"""The verbs of action plans and actions."""

import argparse
import time
from typing import Any

from interfaces.cli.arguments import pause
from interfaces.cli.errors import CommandFailed
from interfaces.cli.nouns.asking import busy, confirm
from interfaces.cli.nouns.finding import found, listed, path_of
from interfaces.cli.nouns.noun import Call, Column, Noun
from interfaces.cli.nouns.output import is_table, show_row, table, watched
from interfaces.cli.nouns.verbs import add_reason, add_target, add_targets, named, set_state
from interfaces.cli.printing import print_line, print_lines
from interfaces.terminal.wording import duration

_ENDED = frozenset({"SUCCEEDED", "FAILED", "CANCELLED", "SUPERSEDED", "DELETED"})
_POLL = 0.5
"""Seconds between two questions while a command waits."""


def add_start(parser: argparse.ArgumentParser) -> None:
    """Declares the plans and how they are started."""
    add_targets(parser)
    _add_yes(parser)
    parser.add_argument("--wait", action="store_true", help="wait until they have ended")


def add_cancel(parser: argparse.ArgumentParser) -> None:
    """Declares the plans."""
    add_targets(parser)
    _add_yes(parser)


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def start(call: Call) -> int:
    """Starts plans; with --wait the exit code says whether all succeeded."""
    plans = []
    for word in call.args.targets:
        with busy():
            plan = found(call.client, call.noun, word)
            actions = len(_actions(call, plan["uuid"]))
        confirm(
            f"Start action plan {plan['uuid']} ({actions} actions) on {call.client.url}?",
            yes=call.args.yes,
        )
        with busy():
            started = call.client.post(f"/v1/action_plans/{plan['uuid']}/start", {})
        print_line(f"started plan {started['uuid']}: {started['state']}")
        plans.append(started["uuid"])
    if not call.args.wait:
        return 0
    with busy():
        states = [_ended(call, plan) for plan in plans]
    for plan, state in zip(plans, states, strict=True):
        print_line(f"plan {plan}: {state}")
    return 0 if set(states) == {"SUCCEEDED"} else 1


def cancel(call: Call) -> int:
    """Cancels plans: those that run end after the actions in progress."""
    for word in call.args.targets:
        with busy():
            plan = found(call.client, call.noun, word)
        confirm(f"Cancel action plan {plan['uuid']} ({plan['state']})?", yes=call.args.yes)
        state = "CANCELLING" if plan["state"] == "ONGOING" else "CANCELLED"
        set_state(call, plan["uuid"], state, "cancelled")
    return 0


def show(call: Call) -> int:
    """Shows a plan; as a table also its actions."""

    def show_plan() -> None:
        with busy():
            plan = found(call.client, call.noun, call.args.target)
        show_row(call, plan)
        if is_table(call):
            print_line("")
            print_lines(table(_columns(), _actions(call, plan["uuid"])))

    return watched(call, show_plan)


def estimate(call: Call) -> int:
    """Shows how long a plan takes from now on."""

    def show_estimate() -> None:
        with busy():
            row = call.client.get(f"{path_of(call.client, call.noun, call.args.target)}/estimate")
        if is_table(call):
            known = row["seconds"] is not None
            takes = duration(row["seconds"]) if known else "unknown"
            row = {"takes": takes, **{name: row[name] for name in row if name != "seconds"}}
        show_row(call, row)

    return watched(call, show_estimate)


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Declares the plan and what to explain of it."""
    add_target(parser)
    parser.add_argument("--server", metavar="NAME", help="only what concerns this server")
    parser.add_argument("--host", metavar="NAME", help="only what concerns this host")


def explain(call: Call) -> int:
    """Shows the reasons of a plan."""

    def show_reasons() -> None:
        with busy():
            path = f"{path_of(call.client, call.noun, call.args.target)}/explanation"
            reasons = call.client.get(path, server=call.args.server, host=call.args.host)
        if not is_table(call):
            show_row(call, reasons)
            return
        for move in reasons["moves"]:
            print_line(f"{move['action_type']} {_resource(move)}: {move['because']['text']}")
        for one in reasons["rejections"]:
            print_line(f"not chosen: {one['subject']}: {one['because']['text']}")
        print_lines(f"note: {note['text']}" for note in reasons["notes"])

    return watched(call, show_reasons)


def add_return(parser: argparse.ArgumentParser) -> None:
    """Declares the plan that is undone."""
    add_target(parser)
    _add_yes(parser)
    parser.add_argument(
        "--start", action="store_true", help="execute the return plan and wait for its end"
    )
    parser.add_argument(
        "--wait",
        type=pause,
        default=60.0,
        metavar="S",
        help="longest time to wait for the return plan to be made (60)",
    )
    parser.add_argument("--no-wait", action="store_true", help="only request it")


def return_plan(call: Call) -> int:
    """Has a plan made that undoes what another one changed, and shows it."""
    with busy():
        path = f"{path_of(call.client, call.noun, call.args.target)}/return"
        call.client.post(path, {})
        if call.args.no_wait:
            print_line(f"requested return plan {call.client.get(path)['uuid']}")
            return 0
        made = _made(call, path)
    print_line(f"return plan {made['uuid']}: {made['state']}, {made['actions']} actions")
    print_lines(f"note: {note}" for note in made["notes"])
    if not call.args.start:
        print_lines(table(_columns(), _actions(call, made["uuid"])))
        print_line(f"start it: vigil plan start {made['uuid']}")
        return 0
    call.args.targets, call.args.wait = [made["uuid"]], True
    return start(call)


def _made(call: Call, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + call.args.wait
    while True:
        request: dict[str, Any] = call.client.get(path)
        if request["state"] == "MADE":
            return request
        if request["state"] == "FAILED":
            raise CommandFailed(f"no return plan could be made: {request['status_message']}")
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"the return plan is requested, but was not made within {call.args.wait:g} s",
                hint="check that a decision engine runs and no plan is executed; then repeat it",
            )
        time.sleep(_POLL)


def add_skip(parser: argparse.ArgumentParser) -> None:
    """Declares the actions."""
    add_targets(parser)
    add_reason(parser)


def skip(call: Call) -> int:
    """Skips actions of plans that have not begun."""
    for word in call.args.targets:
        patch: list[dict[str, object]] = [{"op": "replace", "path": "/state", "value": "SKIPPED"}]
        if call.args.reason:
            patch.append({"op": "replace", "path": "/status_message", "value": call.args.reason})
        with busy():
            row = call.client.patch(path_of(call.client, call.noun, word), patch)
        print_line(f"skipped action {named(call, row)}")
    return 0


def _ended(call: Call, plan: str) -> str:
    while True:
        state = str(call.client.get(f"/v1/action_plans/{plan}")["state"])
        if state in _ENDED:
            return state
        time.sleep(_POLL)


def _actions(call: Call, plan: str) -> list[dict[str, Any]]:
    return list(listed(call.client, _action_noun(), action_plan_uuid=plan))


def _columns() -> list[Column]:
    return [one for one in _action_noun().columns if not one.wide]


def _action_noun() -> Noun:
    from interfaces.cli.nouns.catalogue import ACTION  # noqa: PLC0415 - it imports this module

    return ACTION


def _resource(move: dict[str, Any]) -> str:
    given = move.get("input_parameters", {})
    return str(given.get("resource_name") or given.get("resource_id") or "")
