import argparse
import signal
import time
from pathlib import Path

from infrastructure import logs
from interfaces.demo.directory import prepare
from interfaces.demo.errors import DemoFailed
from interfaces.demo.installation import DemoInstallation
from interfaces.demo.output import DemoOutput
from interfaces.demo.script import DemoCloud, DemoScript, how_to_replay
from interfaces.terminal.console import terminal

PER_HOST, ON_ONE_HOST = 10, 5
"""Servers per compute host; a single host may be a small one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Starts Vigil and a simulated cloud in a new data directory, audits the cloud, explains "
        "the action plan, executes it, and compares the cloud before and after. Then stops "
        "everything; the data directory is kept."
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".vigil/demo"),
        metavar="DIR",
        help="data directory (.vigil/demo)",
    )
    parser.add_argument("--hosts", type=int, default=30, metavar="N", help="compute hosts (30)")
    parser.add_argument("--servers", type=int, metavar="N", help="servers (ten per host)")
    parser.add_argument("--seed", type=int, default=42, metavar="N", help="random seed (42)")
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
        prepare(directory, output.line)
    except DemoFailed as error:
        output.line(f"The demo cannot start: {error}")
        return 1
    usual = PER_HOST * args.hosts if args.hosts > 1 else ON_ONE_HOST
    servers = usual if args.servers is None else args.servers
    size = DemoCloud(args.hosts, servers, args.seed, args.speed)
    failure = _run(directory, size, output)
    if failure is not None:
        output.line(f"\nThe demo failed: {failure}")
        output.line(f"The logs are in {directory / 'vigil.log'}.")
        return 1
    output.step("Look at it again at any time")
    for line in how_to_replay(args.data):
        output.line(line)
    output.line(f"\nDone in {time.monotonic() - began:.0f} s. Everything was stopped.")
    return 0


def _run(directory: Path, size: DemoCloud, output: DemoOutput) -> str | None:
    """Runs all steps and stops the installation; returns the error message, None if none."""
    installation = DemoInstallation(directory, size.options())
    failure: str | None = None
    try:
        DemoScript(installation, size, output).run()
    except DemoFailed as error:
        failure = str(error)
    finally:
        code = installation.stop()
    if failure is None and code != 0:
        failure = f"`vigil up` ended with exit code {code}"
    return failure
