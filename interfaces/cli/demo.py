import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from infrastructure import logs
from interfaces.demo.directory import prepare
from interfaces.demo.errors import DemoFailed
from interfaces.demo.installation import DemoCloud, DemoInstallation
from interfaces.demo.output import DemoOutput
from interfaces.demo.scenarios import SCENARIOS
from interfaces.demo.script import NAME, DemoScript
from interfaces.terminal.console import terminal

PER_HOST, ON_ONE_HOST = 10, 5
"""Servers per compute host, if the number of hosts is chosen; a single host may be a small one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Starts Vigil and a simulated cloud in a new data directory, audits the cloud, explains "
        "the action plan, executes it, compares the cloud before and after, repeats the decision, "
        "and offers the way back. Then stops everything; the data directory is kept."
    )
    parser.add_argument(
        "--scenario",
        choices=tuple(SCENARIOS),
        default=next(iter(SCENARIOS)),
        help="what is wrong with the cloud (%(default)s)",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".vigil/demo"),
        metavar="DIR",
        help="data directory (.vigil/demo)",
    )
    parser.add_argument("--hosts", type=int, metavar="N", help="compute hosts (by the scenario)")
    parser.add_argument(
        "--servers", type=int, metavar="N", help="servers (by the scenario; or ten per host)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="random seed (by the scenario)")
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="X", help="simulated seconds per second (60)"
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks of errors")


def run(args: argparse.Namespace) -> int:
    """Runs the demo."""
    logs.configure(role="demo", level="debug" if args.debug else "error")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: stops everything
    began = time.monotonic()
    output = DemoOutput(terminal())
    directory = args.data.absolute()
    try:
        prepare(directory, output.text)
    except DemoFailed as error:
        output.text(f"The demo cannot start: {error}")
        return 1
    size = _size(args)
    installation = DemoInstallation(directory, size.options())
    script = DemoScript(installation, SCENARIOS[args.scenario], size, output)
    plan, failure = _run(script, installation)
    if failure is not None:
        output.text("")
        output.text(f"The demo failed: {failure}")
        output.text(f"The logs are in {directory / 'vigil.log'}.")
        return 1
    output.act("Next")
    output.commands(_next(args, plan))
    output.text(f"Done in {time.monotonic() - began:.0f} s. Everything is stopped.")
    return 0


def _size(args: argparse.Namespace) -> DemoCloud:
    """The cloud of the scenario, or as large as the user wants it."""
    scenario = SCENARIOS[args.scenario]
    usual = scenario.servers
    if args.hosts is not None:
        usual = PER_HOST * args.hosts if args.hosts > 1 else ON_ONE_HOST
    return DemoCloud(
        scenario.hosts if args.hosts is None else args.hosts,
        usual if args.servers is None else args.servers,
        scenario.seed if args.seed is None else args.seed,
        args.speed,
    )


def _run(script: DemoScript, installation: DemoInstallation) -> tuple[str, str | None]:
    """Runs all acts, stops the installation; the plan, and the error message, None if none."""
    plan, failure = "", None
    try:
        plan = script.run()
    except DemoFailed as error:
        failure = str(error)
    finally:
        code = installation.stop()
    if failure is None and code != 0:
        failure = f"`vigil up` ended with exit code {code}"
    return plan, failure


def _next(args: argparse.Namespace, plan: str) -> dict[str, str]:
    """Commands to try next, and what they do."""
    vigil = "vigil" if shutil.which("vigil") else sys.argv[0]
    data = f"--data {args.data}"
    commands = {
        f"{vigil} replay open {NAME} {data}": "keys: / migrate Enter w: why a server moved",
        f"{vigil} replay verify --all {data}": "decide everything again, and compare",
        f"{vigil} up {data} --speed {args.speed:g}": "start this cloud and Vigil again",
        f"{vigil} status {data}": "watch it, in another terminal",
    }
    if plan:
        commands[f"{vigil} plan return {plan} --start {data}"] = "go the way back"
    return commands
