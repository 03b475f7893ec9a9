import argparse
import json
from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from interfaces.cli import replay
from interfaces.cli.errors import CommandFailed
from interfaces.cli.printing import print_lines

if TYPE_CHECKING:
    from application.queries.decisions import DecisionAbout

_TIMES = ("started_at", "ended_at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows every decision about a server or a host, newest first: what was planned and why, "
        "how it ended, and which alternatives were rejected. Vigil need not run; nothing is "
        "written. With --url or --os-cloud it asks the API of a deployment."
    )
    parser.add_argument("resource", metavar="SERVER|HOST", help="id or name")
    parser.set_defaults(task="explain", subject=None, server=None, host=None)
    replay.add_limit(parser, "most actions to list (50)", 50)
    parser.add_argument("--url", metavar="URL", help="URL of the API")
    parser.add_argument("--os-cloud", metavar="NAME", help="cloud of clouds.yaml with the API")
    replay.add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Shows the decisions about a server or a host."""
    if args.url is None and args.os_cloud is None:
        return replay.run(args)
    found = _asked(args)
    if args.json:
        print(json.dumps(found, indent=2))
        return 0
    if not found:
        raise CommandFailed(
            f"no decision about {args.resource}", hint="give the id or the exact name"
        )
    # Only here: --help needs no queries.
    from interfaces.terminal.decisions import decision_lines  # noqa: PLC0415

    print_lines(decision_lines(_decisions(found)))
    return 0


def _asked(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The decisions as the API describes them.

    The name is that of a server or of a host: the answer with more actions and alternatives is the
    complete one, as an action on a host (`disable`) also has that name.
    """
    # Only here: the history in a database needs no client.
    from interfaces.client import client_from  # noqa: PLC0415

    client, name = client_from(args), quote(args.resource, safe="")
    try:
        answers = [
            client.get(f"/v1/{kind}/{name}/decisions", limit=args.limit)["decisions"]
            for kind in ("servers", "hosts")
        ]
    finally:
        client.close()
    return max(answers, key=_size)


def _size(found: list[dict[str, Any]]) -> int:
    return sum(len(one["actions"]) + len(one["rejections"] or ()) for one in found)


def _decisions(documents: Sequence[dict[str, Any]]) -> "list[DecisionAbout]":
    """The documents as what is printed of a history: it has the same attributes."""
    return cast("list[DecisionAbout]", list(map(_decision, documents)))


def _decision(one: dict[str, Any]) -> SimpleNamespace:
    plan = SimpleNamespace(
        uuid=one["action_plan_uuid"],
        run_id=one["run_uuid"],
        strategy_name=one["strategy_name"],
        state=one["state"],
        created_at=datetime.fromisoformat(one["created_at"]),
    )
    actions = [
        SimpleNamespace(**{**action, **{name: _time(action[name]) for name in _TIMES}})
        for action in one["actions"]
    ]
    rejections = one["rejections"]
    if rejections is not None:
        rejections = [
            SimpleNamespace(subject=each["subject"], because=each["because"]["text"])
            for each in rejections
        ]
    return SimpleNamespace(plan=plan, actions=actions, rejections=rejections)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
