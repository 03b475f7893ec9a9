import argparse
import gc
import importlib
from pathlib import Path
from typing import Any

from interfaces.cli.arguments import (
    add_parameters,
    add_settings,
    count,
    moment,
    past_time,
    positive,
)

MODULES = {
    "log": "log",
    "show": "show",
    "diff": "diff",
    "verify": "verify",
    "explain": "explain",
    "whatif": "whatif",
    "trace": "trace",
    "blame": "trace",
    "bisect": "bisect",
    "open": "open",
    "export": "export",
    "import": "export",
    "serve": "serve",
}
"""Action → its module, ``replay_…``, which is imported only when the action runs."""
GC_THRESHOLD = 50_000
"""New objects before the garbage collector runs; Python's default is 700."""
SUBJECT = "id, beginning of an id, or name; also the id of an action or of a run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Shows the history: the events, the state of an audit or a plan at any time, and what "
        "changed between two versions; repeats recorded decisions. Vigil need not run; nothing is "
        "written."
    )
    actions = parser.add_subparsers(dest="task", metavar="ACTION", required=True)
    log = actions.add_parser("log", help="list what happened, newest last")
    _add_log(log)
    show = actions.add_parser("show", help="print a state")
    show.add_argument("subject", metavar="AGGREGATE", help=SUBJECT)
    when = show.add_mutually_exclusive_group()
    when.add_argument("--version", type=int, metavar="N", help="the state after its N-th event")
    when.add_argument(
        "--at",
        type=moment,
        metavar="MOMENT",
        help="the state at a log position or time (ISO 8601)",
    )
    diff = actions.add_parser("diff", help="list what changed between two moments")
    _add_diff(diff)
    verify = actions.add_parser(
        "verify",
        help="repeat recorded decisions and compare them with what was published",
        description="Runs strategy, planner and verification again on the decision record of a "
        "run, and compares with the published plan. Exits with 1 if a plan differs, or if a "
        "decision cannot be repeated.",
    )
    verify.add_argument(
        "subject", nargs="?", metavar="PLAN|RUN", help="action plan or run; an audit: all its runs"
    )
    verify.add_argument("--all", action="store_true", help="verify every run of the log")
    verify.add_argument(
        "--seal", action="store_true", help="verify the seals instead, as `vigil seal verify`"
    )
    explain = actions.add_parser(
        "explain",
        help="show why something was, or was not, done",
        description="Shows the reasons of a plan: its actions, the rejected alternatives, notes. "
        "Without RUN, every decision about a server or a host, newest first (as `vigil why`).",
    )
    explain.add_argument("subject", nargs="?", metavar="RUN|PLAN", help="run, plan, or audit")
    explain.add_argument("--server", metavar="S", help="only what concerns this server")
    explain.add_argument("--host", metavar="H", help="only what concerns this host")
    explain.set_defaults(resource=None)
    add_limit(explain, "without RUN: most actions to list (50)", 50)
    whatif = actions.add_parser(
        "whatif", help="decide again with one thing changed, and compare the plans"
    )
    _add_whatif(whatif)
    trace = actions.add_parser(
        "trace",
        help="show where the time of a run went",
        description="Shows a run from its request to its last action: seconds since the request, "
        "durations, and how long the cloud took to accept each request.",
    )
    trace.add_argument("subject", metavar="RUN|PLAN", help="run, plan, or audit (its last run)")
    blame = actions.add_parser("blame", help="show which events set an attribute")
    blame.add_argument("subject", metavar="AGGREGATE", help=SUBJECT)
    blame.add_argument("field", metavar="FIELD", help="as `show` names it: state, actions.ID.state")
    add_limit(blame, "most changes to list, the newest ones (50)", 50)
    bisect = actions.add_parser(
        "bisect", help="find the first event at which a condition became true"
    )
    _add_bisect(bisect)
    debugger = actions.add_parser(
        "open",
        help="walk through the history on the whole screen",
        description="Opens an interactive debugger: events, states, hosts and causes at any "
        "moment. ? lists its keys. It only reads.",
    )
    debugger.add_argument(
        "place",
        nargs="?",
        metavar="WHERE",
        help="where to begin: a log position, a time (ISO 8601), or what an id or a name stands "
        "for; by default the end of the log",
    )
    for action in (
        *(log, show, diff, verify, explain, whatif, trace, blame, bisect, debugger),
        *_add_files(actions),
    ):
        add_common(action)


def _add_files(actions: Any) -> tuple[argparse.ArgumentParser, ...]:
    export = actions.add_parser(
        "export",
        help="write events and records to a file",
        description="Writes the events of an audit and its plans, with all decision records and "
        "models, as JSON Lines. `vigil replay import` makes an installation of the file, on which "
        "all replay commands work.",
    )
    export.add_argument("subject", nargs="?", metavar="RUN|PLAN|AUDIT", help=SUBJECT)
    export.add_argument("file", type=Path, metavar="FILE", help="new file")
    export.add_argument("--all", action="store_true", help="all events, and the seals")
    export.add_argument(
        "--anonymise", action="store_true", help="replace names and ids by pseudonyms"
    )
    imported = actions.add_parser("import", help="make a data directory of an exported file")
    imported.add_argument("file", type=Path, metavar="FILE", help="of `vigil replay export`")
    served = actions.add_parser(
        "serve",
        help="serve the REST API as it was at a moment",
        description="Copies the history up to a moment into a temporary database, builds the read "
        "models, and serves the REST API of them. Requests that write are refused with 405.",
    )
    served.add_argument(
        "--at", type=moment, metavar="MOMENT", help="log position, or time (the end of the log)"
    )
    served.add_argument(
        "--port", type=count, default=0, metavar="PORT", help="to listen on (any free one)"
    )
    return export, imported, served


def _add_diff(diff: argparse.ArgumentParser) -> None:
    diff.description = (
        "Lists what differs between two moments: attributes of an aggregate, rows of a read "
        "table, or hosts and servers of the cluster with what is allocated."
    )
    diff.add_argument("subject", nargs="?", metavar="AGGREGATE", help=SUBJECT)
    diff.add_argument(
        "between",
        type=lambda text: importlib.import_module("interfaces.cli.replay_diff").moments(text),
        metavar="A..B",
        help="log positions, times (ISO 8601, or how long ago: 10m), or versions of the "
        "aggregate (v3..v7); without A from the beginning, without B until now",
    )
    diff.add_argument("--cluster", action="store_true", help="hosts and servers")
    diff.add_argument(
        "--rows", metavar="TABLE", help="rows: audits, audit_templates, action_plans, actions"
    )


def _add_bisect(bisect: argparse.ArgumentParser) -> None:
    bisect.description = (
        "Finds the first event at which a condition became true, such as "
        """'plan["ID"].state == "FAILED"' or 'host["compute-7"].allocated_percent > 85' """
        "(docs/replay.md lists what a condition can name). The events that can change it are read "
        "in order: a condition may be true, false and true again. Exits with 1 if it was never "
        "true."
    )
    bisect.add_argument("expression", metavar="EXPR", help="the condition")
    for flag, text in (("--since", "search from"), ("--until", "search up to")):
        bisect.add_argument(
            flag,
            type=moment,
            metavar="MOMENT",
            help=f"{text} a log position, a time (ISO 8601), or how long ago: 90s, 10m, 2h, 3d",
        )


def _add_whatif(whatif: argparse.ArgumentParser) -> None:
    whatif.description = (
        "Forks the recorded decision of a run: changes an input, runs strategy and planner "
        "again, and shows both plans side by side. Nothing is stored."
    )
    whatif.add_argument("subject", metavar="RUN|PLAN", help="run, plan, or audit (its last run)")
    add_parameters(whatif)
    whatif.add_argument("--strategy", metavar="NAME", help="another strategy")
    for flag, text in (
        ("--without-host", "put a host outside the scope; may be repeated"),
        ("--without-rule", "drop operator rules: bans, or bans[0]; may be repeated"),
    ):
        metavar = flag.rpartition("-")[2].upper()
        whatif.add_argument(flag, action="append", default=[], metavar=metavar, help=text)
    whatif.add_argument(
        "--rule",
        action="append",
        default=[],
        type=operator_rule,
        metavar="RULE",
        help="a further operator rule: apart:S,S  together:S,S  fence:S,S@H,H  ban:S@H; "
        "may be repeated",
    )
    whatif.add_argument("--all", action="store_true", help="list every action that differs")


def operator_rule(text: str) -> dict[str, list[object]]:
    """An operator rule in its short form, as in a file of rules."""
    kind, _, names = text.partition(":")
    servers, at, hosts = names.partition("@")
    named: object = servers.split(",")
    if kind in {"apart", "together"} and servers and not at:
        return {kind: [named]}
    if kind in {"fence", "ban"} and servers and hosts:
        return {f"{kind}s": [{"servers": named, "hosts": hosts.split(",")}]}
    raise argparse.ArgumentTypeError(f"{text!r} is not of the form apart:S,S or ban:S@H")


def _add_log(log: argparse.ArgumentParser) -> None:
    log.description = (
        "Lists what happened, newest last. The events of an action are one line; registrations, "
        "claims and other routine are left out. Ids may be abbreviated to 4 characters or more."
    )
    which = log.add_mutually_exclusive_group()
    which.add_argument("subject", nargs="?", metavar="AGGREGATE", help=SUBJECT)
    for name, text in (
        ("audit", "an audit and its action plans"),
        ("plan", "an action plan"),
        ("action", "an action"),
        ("server", "the actions that concern a server (id or name)"),
        ("host", "the actions that concern a host (id or name)"),
        ("correlation", "one audit run"),
    ):
        which.add_argument(f"--{name}", metavar="ID", help=f"only events of {text}")
    log.add_argument(
        "--type",
        action="append",
        default=[],
        metavar="TOPIC",
        help="only events of this type, or whose type begins so (plan.); may be repeated",
    )
    log.add_argument("--actor", metavar="NAME", help="only events that this actor caused")
    when = "a time (ISO 8601), or how long ago: 90s, 10m, 2h, 3d"
    log.add_argument("--since", type=past_time, metavar="TIME", help=f"only events since {when}")
    log.add_argument("--until", type=past_time, metavar="TIME", help="only events before it")
    log.add_argument("--limit", type=count, default=50, help="most lines to list (50); 0: all")
    log.add_argument("--all", action="store_true", help="a line for every event, also of routine")
    log.add_argument("--graph", action="store_true", help="show causes as a tree")
    log.add_argument("-f", "--follow", action="store_true", help="also list what happens next")


def add_limit(parser: argparse.ArgumentParser, text: str, default: int) -> None:
    """Declares the limit of a list."""
    parser.add_argument("--limit", type=positive, default=default, metavar="N", help=text)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments that all actions have."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_settings(parser)


def run(args: argparse.Namespace) -> int:
    """Runs an action; returns the exit code."""
    gc.set_threshold(GC_THRESHOLD)  # imports and events are many objects and little garbage
    module = importlib.import_module(f"interfaces.cli.replay_{MODULES[args.task]}")
    gc.freeze()  # what is imported stays: the collector need not visit it while events are read
    return int(module.run(args))
