"""The command line of the simulator: `vigil sim` and `python -m infrastructure.simulator`."""

import argparse
import contextlib
import json
import os
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

from infrastructure.simulator.core.config import SimulatorConfig, clouds_yaml
from infrastructure.simulator.server import serve
from infrastructure.supervision import inherited_socket
from infrastructure.text_files import read_text

_DEFAULT = SimulatorConfig()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add("--host", default=_DEFAULT.host, help="address to listen on (%(default)s)")
    add("--port", type=_port, default=_DEFAULT.port, help="port; 0 takes a free one")
    add("--hosts", type=_count, default=_DEFAULT.hosts, help="hypervisors to make (%(default)s)")
    add("--servers", type=_count, default=_DEFAULT.servers, help="servers to make (%(default)s)")
    add("--seed", type=int, default=_DEFAULT.seed, help="of cluster and load (%(default)s)")
    add(
        "--speed",
        type=_positive,
        default=_DEFAULT.speed,
        help="simulated seconds per second (%(default)s)",
    )
    add("--down-hosts", type=_count, default=0, help="hosts whose nova-compute is dead")
    add("--live-slots", type=_count, default=1, help="live migrations at once per source host")
    add("--cluster", type=Path, metavar="FILE", help="load the cluster from this JSON file")
    add("--state", type=Path, metavar="FILE", help="keep the cloud in this file across restarts")
    add("--faults", type=Path, metavar="FILE", help="JSON list of fault rules to begin with")
    add("--clouds-yaml-out", type=Path, metavar="FILE", help="write a clouds.yaml when ready")
    add("--cloud-name", default="simulator", help="entry in that clouds.yaml (%(default)s)")
    add(
        "--endpoint",
        action="append",
        default=[],
        type=_endpoint,
        metavar="TYPE=URL",
        help="put another service into the catalogue",
    )


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:  # noqa: PLR2004
        raise argparse.ArgumentTypeError("must be between 0 and 65535")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be greater than 0")
    return value


def _endpoint(text: str) -> tuple[str, str]:
    kind, separator, url = text.partition("=")
    if not (kind and separator and url):
        raise argparse.ArgumentTypeError("must look like infra-optim=http://host:port")
    return kind, url


def run(args: argparse.Namespace) -> int:
    """Run the simulator until SIGTERM or SIGINT; returns the exit status."""

    def ready(url: str) -> None:
        if args.clouds_yaml_out is not None:
            _write(args.clouds_yaml_out, clouds_yaml(url, args.cloud_name))
        sys.stdout.write(url + "\n")
        sys.stdout.flush()

    try:
        serve(_config(args), ready=ready, listener=inherited_socket())
    except (ValueError, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"vigil: error: the simulator cannot start: {error}\n")
        return 1
    return 0


def _config(args: argparse.Namespace) -> SimulatorConfig:
    return SimulatorConfig(
        host=args.host,
        port=args.port,
        hosts=args.hosts,
        servers=args.servers,
        seed=args.seed,
        speed=args.speed,
        down_hosts=args.down_hosts,
        cluster_file=args.cluster,
        state_file=args.state,
        faults=_faults(args.faults),
        live_slots=args.live_slots,
        endpoints=tuple(args.endpoint),
    )


def _faults(path: Path | None) -> tuple[dict[str, Any], ...]:
    if path is None:
        return ()
    try:
        rules = json.loads(read_text(path))
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not isinstance(rules, list):
        raise ValueError(f"{path.name}: a JSON list of fault rules is expected")  # noqa: TRY004
    return tuple(rules)


def _write(path: Path, text: str) -> None:
    """Replace a file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
