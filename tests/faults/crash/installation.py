"""A whole installation as processes that can be killed one by one, beside a cloud that is not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import requests

from infrastructure.messaging import EmbeddedNats
from infrastructure.simulator import clouds_yaml
from tests.ports import free_port

T = TypeVar("T")
ROLES = ("projector", "relay", "decision-engine", "applier", "scheduler", "api")
PROGRAM = (sys.executable, "-m", "interfaces.cli.main")
HASTE = {
    "nova.migration_interval": "0.1",
    "vigil.settle_seconds": "1.0",
    "DEFAULT.service_down_time": "3",
    "DEFAULT.periodic_interval": "0.5",
    "vigil.sweep_interval": "0.5",
    "vigil.run_retry_interval": "0.5",
    "vigil.run_attempts": "50",
    "vigil.run_losses": "50",
    "vigil.action_losses": "50",
    "api.workers": "1",
}


def eventually(what: str, probe: Callable[[], T | None], patience: float = 60.0) -> T:
    """The first result of a probe that is not None; AssertionError when patience ends."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = probe()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {patience} s: {what}")


class Cloud:
    """A simulated cloud in a process of its own. It stays alive; a new one may replace it."""

    def __init__(self, directory: Path, speed: float) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = directory / "clouds.yaml"
        self.config.write_text(clouds_yaml(self.url, "simulator"))
        self._speed = speed
        self._process: subprocess.Popen[bytes] | None = None

    def replace(self, hosts: int, servers: int, seed: int) -> None:
        """Ends the cloud and starts another one at the same address."""
        self.stop()
        with (self.directory / "sim.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *PROGRAM,
                    "sim",
                    *("--port", str(self.port), "--speed", str(self._speed)),
                    *("--hosts", str(hosts), "--servers", str(servers), "--seed", str(seed)),
                ],
                stdout=log,
                stderr=log,
            )
        eventually("the cloud answers", self._answers)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None, "the cloud does not run"
        return self._process.pid

    def stop(self) -> None:
        """Ends the cloud."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        """Every request that changed something, in order, behind an entry's number."""
        answer = requests.get(
            f"{self.url}/vigil/journal",
            params={"after": after},
            headers=self._headers(),
            timeout=10,
        )
        answer.raise_for_status()
        entries: list[dict[str, Any]] = answer.json()["journal"]
        return entries

    def migrations_of(self) -> dict[str, int]:
        """Server id → how many migrations of it were accepted."""
        counts: dict[str, int] = {}
        for entry in self.journal():
            body = entry.get("body") or {}
            if "os-migrateLive" in body or "migrate" in body:
                counts[entry["server_id"]] = counts.get(entry["server_id"], 0) + 1
        return counts

    def add_fault(self, rule: dict[str, object]) -> None:
        """Adds a fault rule (docs/simulator.md)."""
        url = f"{self.url}/vigil/faults"
        requests.post(url, json=rule, headers=self._headers(), timeout=10).raise_for_status()

    def _headers(self) -> dict[str, str]:
        auth = {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": "admin",
                        "domain": {"id": "default"},
                        "password": self._password(),
                    }
                },
            },
            "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
        }
        answer = requests.post(
            f"{self.url}/identity/v3/auth/tokens", json={"auth": auth}, timeout=10
        )
        return {"X-Auth-Token": answer.headers["X-Subject-Token"]}

    def _password(self) -> str:
        for line in self.config.read_text().splitlines():
            if line.strip().startswith("password:"):
                return line.partition(":")[2].strip()
        raise AssertionError("no password in clouds.yaml")

    def _answers(self) -> bool | None:
        try:
            return requests.get(self.url, timeout=1).status_code < 500 or None
        except requests.ConnectionError:
            return None


_CUT_OFF = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,  # killed between the headers and the body
)
"""What a client sees of an API that is killed."""


class Installation:
    """Every role as a process, on one database and one NATS server.

    Args:
        directory: of its logs and its NATS server.
        database: URL of an empty database.
        cloud: the one it optimises; it runs already.
        options: ``section.name`` → value, of what differs from the defaults.
    """

    def __init__(
        self,
        directory: Path,
        database: str,
        cloud: Cloud,
        options: Mapping[str, str] = HASTE,
    ) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.nats = EmbeddedNats(directory / "nats")
        self.nats.start()
        self._database = database
        self._cloud = cloud
        self._options = dict(options)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._run("db", "upgrade")

    def start(self, *roles: str) -> None:
        """Starts roles (all by default); ``applier#2`` is a second applier."""
        for role in roles or ROLES:
            self._processes[role] = self._spawn(role)

    def set(self, place: str, value: str) -> None:
        """Changes an option of the roles that are started from now on."""
        self._options[place] = value

    @property
    def groups(self) -> list[int]:
        """The process groups of the roles that run."""
        return [process.pid for process in self._processes.values() if process.poll() is None]

    def group(self, role: str) -> int:
        """The process group of a role."""
        return self._processes[role].pid

    def died(self, role: str) -> bool:
        """Whether a role's process has ended, by itself or because it was told to."""
        return self._processes[role].poll() is not None

    def tell_to_stop(self, role: str) -> None:
        """Sends a role's process the signal that asks it to end in good order."""
        self._processes[role].send_signal(signal.SIGTERM)

    def kill(self, role: str) -> None:
        """Ends a role's process without a warning, its children too."""
        process = self._processes[role]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def lose_nats(self, *, store: bool) -> None:
        """Kills the NATS server, perhaps loses its disk, and starts it again."""
        if self.nats.pid is not None:
            os.kill(self.nats.pid, signal.SIGKILL)
        self.nats.stop()
        if store:
            subprocess.run(["rm", "-rf", str(self.directory / "nats" / "jetstream")], check=True)
        self.nats.start()

    def stop(self) -> None:
        """Ends everything that was started."""
        for role in self._processes:
            if self._processes[role].poll() is None:
                self.kill(role)
        self.nats.stop()

    def ask(self, method: str, path: str, **kwargs: Any) -> Any:
        """An answer of the API, however often it has to be asked for one."""

        def probe() -> requests.Response | None:
            try:
                answer = requests.request(method, self.url + path, timeout=10, **kwargs)
            except _CUT_OFF:
                return None
            return answer if answer.status_code < 500 else None

        answer = eventually(f"{method} {path} is answered", probe)
        assert answer.status_code < 400, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def vigil(self, *words: str) -> str:
        """What a command prints; it must succeed."""
        return self._printed([*PROGRAM, *words, *self._arguments()])

    def over_api(self, *words: str) -> str:
        """What a command that uses the API prints; it must succeed."""
        return self._printed([*PROGRAM, *words, "--url", self.url])

    def _printed(self, command: Sequence[str]) -> str:
        done = subprocess.run(command, check=False, timeout=120, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _arguments(self) -> list[str]:
        chosen = {
            **self._options,
            "api.port": str(self.port),
            "vigil.nats_url": self.nats.url,
            "vigil.nats_token": self.nats.token,
            "vigil.cloud": "simulator",
            "vigil.cloud_config": str(self._cloud.config),
            "vigil.prometheus_url": f"{self._cloud.url}/prometheus",
        }
        options = [f"--set={place}={value}" for place, value in chosen.items()]
        return ["--data", str(self.directory), "--database", self._database, *options]

    def _spawn(self, role: str) -> subprocess.Popen[bytes]:
        with (self.directory / f"{role}.log").open("ab") as log:
            return subprocess.Popen(
                [*PROGRAM, role.partition("#")[0], *self._arguments()],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _run(self, *words: str) -> None:
        with (self.directory / f"{words[0]}.log").open("ab") as log:
            subprocess.run(
                [*PROGRAM, *words, *self._arguments()], check=True, timeout=60, stdout=log
            )
