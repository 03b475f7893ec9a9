import argparse
import signal
import time
from pathlib import Path

from infrastructure import logs
from interfaces.demo.directory import prepare
from interfaces.demo.errors import DemoFailed
from interfaces.demo.installation import DemoInstallation
from interfaces.demo.output import DemoOutput
from interfaces.demo.script import DemoClusterSize, DemoScript, how_to_replay
from interfaces.terminal.console import terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = (
        "Starts a simulated cloud and all of Vigil in a fresh data directory, audits the cloud, "
        "explains the plan, executes it, compares before and after, and shows how to look back. "
        "Nothing keeps running; the data directory stays."
    )
    parser.add_argument("--data", type=Path, default=Path(".vigil/demo"), metavar="DIR")
    parser.add_argument("--hosts", type=int, default=30, metavar="N", help="compute hosts (30)")
    parser.add_argument("--servers", type=int, default=300, metavar="N", help="servers (300)")
    parser.add_argument("--seed", type=int, default=42, metavar="N", help="of the cloud (42)")
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="X", help="simulated seconds per second (60)"
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks of errors")


def run(args: argparse.Namespace) -> int:
    """Tells the demo; 0 if all went well."""
    logs.configure(role="demo", level="debug" if args.debug else "error")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way all is ended in order
    began = time.monotonic()
    show = DemoOutput(terminal())
    directory = args.data.absolute()
    try:
        prepare(directory, show.say)
    except DemoFailed as error:
        show.say(f"The demo cannot start: {error}")
        return 1
    shape = DemoClusterSize(args.hosts, args.servers, args.seed, args.speed)
    failure = _told(directory, shape, show)
    if failure is not None:
        show.say(f"\nThe demo failed: {failure}")
        show.say(f"The logs are in {directory / 'vigil.log'}.")
        return 1
    show.step("Look back at it at any time")
    for line in how_to_replay(args.data):
        show.say(line)
    show.say(f"\nDone in {time.monotonic() - began:.0f} s. Everything was stopped.")
    return 0


def _told(directory: Path, shape: DemoClusterSize, show: DemoOutput) -> str | None:
    """Tells the story and stops the house; returns what went wrong, if anything did."""
    house = DemoInstallation(directory, shape.options())
    failure: str | None = None
    try:
        DemoScript(house, shape, show).tell()
    except DemoFailed as error:
        failure = str(error)
    finally:
        code = house.stop()
    if failure is None and code != 0:
        failure = f"`vigil up` ended with exit code {code}"
    return failure
