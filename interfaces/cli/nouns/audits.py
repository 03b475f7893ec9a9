"""The verbs of audits and audit templates."""

import argparse
import json
from pathlib import Path
from typing import Any

from infrastructure.text_files import read_text
from interfaces.cli.arguments import add_parameters
from interfaces.cli.errors import CommandFailed
from interfaces.cli.nouns.asking import busy
from interfaces.cli.nouns.finding import found, identity, path_of
from interfaces.cli.nouns.noun import Call
from interfaces.cli.nouns.output import show_row
from interfaces.cli.nouns.verbs import add_target, set_state
from interfaces.cli.printing import print_line

_KINDS = ("ONESHOT", "CONTINUOUS", "EVENT")
_AUDIT = ("name", "goal", "strategy", "audit_type", "interval", "start_time", "end_time")
_CHANGES = ("name", "interval", "start_time", "end_time")
_TEMPLATE = ("name", "goal", "strategy", "description")


def add_audit(parser: argparse.ArgumentParser) -> None:
    """Declares the attributes of a new audit."""
    parser.add_argument("--name", metavar="TEXT", help="name of the audit")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--goal", metavar="GOAL", help="name or uuid of its goal")
    what.add_argument(
        "--template", metavar="NAME", help="audit template with goal, strategy, scope, parameters"
    )
    parser.add_argument("--strategy", metavar="NAME", help="name or uuid of its strategy")
    parser.add_argument(
        "--type",
        dest="audit_type",
        type=str.upper,
        choices=_KINDS,
        default=_KINDS[0],
        help="ONESHOT runs once, CONTINUOUS at an interval, EVENT when triggered (ONESHOT)",
    )
    _add_times(parser)
    parser.add_argument(
        "--auto-trigger", action="store_true", help="start its action plans at once"
    )
    parser.add_argument(
        "--force", action="store_true", help="run also while an action plan is executed"
    )
    add_parameters(parser)


def _add_times(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--interval", metavar="I", help="seconds between two runs, or a cron expression in UTC"
    )
    parser.add_argument("--start-time", metavar="TIME", help="no run before it (ISO 8601)")
    parser.add_argument("--end-time", metavar="TIME", help="no run after it (ISO 8601)")


def create_audit(call: Call) -> int:
    """Creates an audit."""
    body = _given(call.args, _AUDIT) | _references(call)
    if call.args.template is not None:
        body["audit_template_uuid"] = _reference(call, "template", call.args.template)
    body |= {name: True for name in ("auto_trigger", "force") if getattr(call.args, name)}
    if call.args.param:
        body["parameters"] = dict(call.args.param)
    return _create(call, body)


def add_changes(parser: argparse.ArgumentParser) -> None:
    """Declares what can be changed in an audit."""
    add_target(parser)
    parser.add_argument("--name", metavar="TEXT", help="new name")
    _add_times(parser)
    for name, text in (
        ("auto-trigger", "start its action plans at once"),
        ("force", "run also while an action plan is executed"),
    ):
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=text)
    add_parameters(parser)


def update_audit(call: Call) -> int:
    """Changes attributes of an audit."""
    changes = _given(call.args, (*_CHANGES, "auto_trigger", "force"))
    changes |= {f"parameters/{name}": value for name, value in call.args.param}
    return _change(call, changes)


def cancel(call: Call) -> int:
    """Cancels audits."""
    return _set(call, "CANCELLED", "cancelled")


def suspend(call: Call) -> int:
    """Suspends audits."""
    return _set(call, "SUSPENDED", "suspended")


def resume(call: Call) -> int:
    """Resumes audits."""
    return _set(call, "ONGOING", "resumed")


def trigger(call: Call) -> int:
    """Requests a run of EVENT audits."""
    for word in call.args.targets:
        with busy():
            path = path_of(call.client, call.noun, word)
            call.client.post(f"/v1/webhooks/{path.rpartition('/')[2]}", {})
        print_line(f"requested a run of audit {word}")
    return 0


def add_template(parser: argparse.ArgumentParser) -> None:
    """Declares the attributes of a new audit template."""
    parser.add_argument("name", metavar="NAME", help="name of the template")
    parser.add_argument("--goal", required=True, metavar="GOAL", help="name or uuid of its goal")
    parser.add_argument("--strategy", metavar="NAME", help="name or uuid of its strategy")
    _add_contents(parser)


def _add_contents(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--description", metavar="TEXT", help="what it is for")
    parser.add_argument(
        "--scope", type=Path, metavar="FILE", help="JSON file with the scope of its audits"
    )
    add_parameters(parser)


def create_template(call: Call) -> int:
    """Creates an audit template."""
    return _create(call, _given(call.args, _TEMPLATE) | _references(call) | _contents(call.args))


def add_template_changes(parser: argparse.ArgumentParser) -> None:
    """Declares what can be changed in a template."""
    add_target(parser)
    parser.add_argument("--name", metavar="TEXT", help="new name")
    parser.add_argument("--goal", metavar="GOAL", help="name or uuid of its goal")
    parser.add_argument("--strategy", metavar="NAME", help="name or uuid of its strategy")
    _add_contents(parser)


def update_template(call: Call) -> int:
    """Changes attributes of a template."""
    return _change(call, _given(call.args, _TEMPLATE) | _references(call) | _contents(call.args))


def _references(call: Call) -> dict[str, str]:
    """The uuids of the goal and the strategy that were named."""
    named = {name: getattr(call.args, name) for name in ("goal", "strategy")}
    return {name: _reference(call, name, word) for name, word in named.items() if word is not None}


def _reference(call: Call, noun: str, word: str) -> str:
    from interfaces.cli.nouns.catalogue import NOUNS  # noqa: PLC0415 - it imports this module

    return identity(NOUNS[noun], found(call.client, NOUNS[noun], word))


def _contents(args: argparse.Namespace) -> dict[str, Any]:
    given: dict[str, Any] = {"default_parameters": dict(args.param)} if args.param else {}
    if args.scope is not None:
        try:
            given["scope"] = json.loads(read_text(args.scope))
        except (OSError, ValueError) as error:
            raise CommandFailed(f"{args.scope} cannot be read: {error}") from error
    return given


def _given(args: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """The attributes that were given."""
    return {name: value for name in names if (value := getattr(args, name)) is not None}


def _create(call: Call, body: dict[str, Any]) -> int:
    with busy():
        row = call.client.post(f"/v1/{call.noun.path}", body)
    show_row(call, row)
    return 0


def _change(call: Call, changes: dict[str, Any]) -> int:
    if not changes:
        raise CommandFailed("nothing to change was given", hint="--help lists what can be", code=2)
    patch = [
        {"op": "replace" if "/" not in name else "add", "path": f"/{name}", "value": value}
        for name, value in changes.items()
    ]
    with busy():
        row = call.client.patch(path_of(call.client, call.noun, call.args.target), patch)
    show_row(call, row)
    return 0


def _set(call: Call, state: str, done: str) -> int:
    for word in call.args.targets:
        set_state(call, word, state, done)
    return 0
