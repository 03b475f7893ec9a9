"""A supervised tree in a process of its own, described by a JSON file (for the tests beside it)."""

import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from application.kernel.retry import RetryPolicy
from infrastructure.supervision import (
    ChildReport,
    ChildSpec,
    ForkCommand,
    Supervisor,
)
from infrastructure.supervision.nats import NatsLaunch
from infrastructure.supervision.probes import file_exists


def main() -> None:
    # whoever runs the tests in the background of a shell hands down that it is ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(sys.argv[1])
    plan: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    logging.basicConfig(level="INFO", format="%(message)s", filename=folder / "log")

    def changed(report: tuple[ChildReport, ...]) -> None:
        fresh = folder / "report.new"
        fresh.write_bytes(msgspec.json.encode(report))
        fresh.replace(folder / "report.json")

    def output(name: str, line: bytes) -> None:
        with (folder / "output").open("ab") as file:
            file.write(name.encode() + b" | " + line + b"\n")

    Supervisor(
        [spec(folder, one) for one in plan["children"]],
        output=output,
        changed=changed,
        ready=(folder / "up").touch,
        restart_policy=RetryPolicy(plan["first_pause"], plan["longest_pause"]),
        healthy_after=plan["healthy_after"],
    ).run()


def spec(folder: Path, one: dict[str, Any]) -> ChildSpec:
    ready_file = folder / f"{one['name']}.ready"
    probe = file_exists(ready_file) if one.pop("reports", False) else None
    code = one.pop("code", None)
    if code is None:
        from infrastructure.messaging.embedded import EmbeddedNats  # noqa: PLC0415 - one test's

        return ChildSpec(launch=NatsLaunch(EmbeddedNats(folder / "nats")), **one)

    def work() -> int:
        exec(code, {"__name__": "__main__"})  # noqa: S102 - the test's own
        return 0

    environment = {**os.environ, "FOLDER": str(folder)}
    command = ForkCommand(one["name"], work, environment, ready_file=ready_file)
    return ChildSpec(launch=command, ready=probe, **one)


if __name__ == "__main__":
    main()
