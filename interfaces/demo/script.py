"""The demo, step by step: audit, explain, execute, compare, replay."""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException

from application.queries.overview import PlanLine, plan_line
from application.replay.timeline import newest
from domain.plans import ActionPlan
from infrastructure.clock import SystemClock
from infrastructure.settings import Settings, load
from infrastructure.supervision import UpState
from interfaces.bootstrap.queries import Queries
from interfaces.demo import cloud as clouds
from interfaces.demo.client import Api
from interfaces.demo.cloud import Figures
from interfaces.demo.errors import DemoFailed
from interfaces.demo.installation import DemoInstallation
from interfaces.demo.output import DemoOutput, PlanProgressDisplay

GOAL = "server_consolidation"
NAME = "demo"
TRAIL = 12
POLL = 0.2
"""Seconds between two looks."""
CATALOGUE, AUDIT, EXECUTION = 60.0, 60.0, 600.0
"""Seconds that each may take."""
RUNNING = {"PENDING", "ONGOING"}

T = TypeVar("T")


@dataclass(frozen=True)
class DemoClusterSize:
    """The simulated cloud."""

    hosts: int
    servers: int
    seed: int
    speed: float

    def options(self) -> dict[str, str]:
        """The settings of a demo: a cloud of this shape, and a pace that fits its speed."""
        return {
            "DEFAULT.enable_authentication": "false",
            "vigil.simulator_hosts": str(self.hosts),
            "vigil.simulator_servers": str(self.servers),
            "vigil.simulator_seed": str(self.seed),
            "vigil.simulator_speed": str(self.speed),
            "nova.migration_interval": "0.25",
            "watcher_workflow_engines.taskflow.max_workers": "16",
            "watcher_planners.weight.parallelization": "migrate:12,change_nova_service_state:12",
        }


class DemoScript:
    """Tells the demo.

    Args:
        house: the installation; started and stopped by the caller.
        shape: of its cloud.
        show: what is said goes there.
    """

    def __init__(self, house: DemoInstallation, shape: DemoClusterSize, show: DemoOutput) -> None:
        self._house = house
        self._shape = shape
        self._show = show

    def tell(self) -> None:
        """All of it.

        Raises:
            DemoFailed: something did not go as it should.
        """
        shape, show = self._shape, self._show
        show.step(
            f"Starting Vigil and a simulated cloud: {shape.hosts} hosts, {shape.servers} servers "
            f"(seed {shape.seed}, {shape.speed:g} times as fast as life)"
        )
        up = self._house.start()
        show.say(f"API {up.api_url}, cloud {up.simulator_url}, data {up.data_dir}")
        api = Api(up.api_url)
        queries = Queries(_settings(up))
        cloud = clouds.connect(up.cloud, up.cloud_config or "")
        try:
            self._act(api, queries, cloud)
        finally:
            cloud.close()
            queries.close()
            api.close()

    def _act(self, api: Api, queries: Queries, cloud: Connection) -> None:
        show = self._show
        before = _asked(cloud)
        show.say(f"{before.servers} servers run on {before.used} of {before.hosts} hosts.")
        show.step(f"Auditing: goal {GOAL}")
        plan = self._audit(api)
        uuid = UUID(plan["uuid"])
        show.step(f"The plan {uuid}: {self._count(queries, uuid)} actions")
        show.plan(self._loaded(queries, uuid), plan)
        if plan["state"] != "RECOMMENDED":
            raise DemoFailed(f"the plan is {plan['state']}: there is nothing to execute")
        show.step("Executing it")
        began = time.monotonic()
        api.launch(plan["uuid"])
        self._follow(queries, uuid, began)
        seconds = time.monotonic() - began
        show.step("Before and after")
        show.result(before, _asked(cloud), seconds)
        show.step(f"The last {TRAIL} events of the trail")
        show.trail(newest(queries.log, TRAIL))

    def _audit(self, api: Api) -> dict[str, Any]:
        self._await(lambda: api.strategies(GOAL) or None, CATALOGUE, "a strategy is registered")
        began = time.monotonic()
        uuid = api.create_audit(NAME, GOAL)["uuid"]
        self._show.say(f"audit {uuid} requested")

        def ended() -> dict[str, Any] | None:
            audit = api.audit(uuid)
            return None if audit["state"] in RUNNING else audit

        audit = self._await(ended, AUDIT, "the audit ended")
        if audit["state"] != "SUCCEEDED":
            raise DemoFailed(f"the audit is {audit['state']}: {audit.get('status_message')}")
        self._show.say(f"audit SUCCEEDED after {time.monotonic() - began:.1f} s")
        return self._await(lambda: api.plan_of(uuid), AUDIT, "the plan is there")

    def _follow(self, queries: Queries, uuid: UUID, began: float) -> None:
        clock = SystemClock()
        with PlanProgressDisplay(self._show.console) as progress:

            def ended() -> PlanLine | None:
                view = queries.read.action_plan(uuid)
                if view is None:
                    return None
                plan = plan_line(queries, view, clock.now())
                progress.show(plan, time.monotonic() - began)
                return None if plan.state in RUNNING or plan.state == "RECOMMENDED" else plan

            plan = self._await(ended, EXECUTION, "the plan was executed")
        if plan.state != "SUCCEEDED":
            raise DemoFailed(f"the plan is {plan.state}: {plan.message}")
        self._show.say(f"plan SUCCEEDED: {plan.ended} actions. {plan.message}".rstrip())

    @staticmethod
    def _loaded(queries: Queries, uuid: UUID) -> ActionPlan:
        plan = queries.log.find(ActionPlan, uuid)
        if plan is None:
            raise DemoFailed(f"the log has no plan {uuid}")
        return plan

    def _count(self, queries: Queries, uuid: UUID) -> int:
        return len(self._loaded(queries, uuid).actions)

    def _await(self, ask: Callable[[], T | None], within: float, what: str) -> T:
        """Asks until there is an answer; notices if the installation dies meanwhile."""
        deadline = time.monotonic() + within
        while (answer := ask()) is None:
            self._house.check()
            if time.monotonic() > deadline:
                raise DemoFailed(f"not within {within:g} s: {what}")
            time.sleep(POLL)
        return answer


def _settings(up: UpState) -> Settings:
    flags = {"database.connection": up.database, "vigil.data_dir": up.data_dir}
    return load(flags=flags, files=[]).settings


def _asked(cloud: Connection) -> Figures:
    try:
        return clouds.figures(cloud)
    except (SDKException, ClientException) as error:
        raise DemoFailed(f"the cloud does not answer: {error}") from error


def how_to_replay(directory: Path) -> list[str]:
    """What to try next."""
    vigil, data = _program(), f"--data {directory}"
    hints = {
        f"{vigil} replay log {data}": "everything that happened",
        f"{vigil} replay show {NAME} {data}": "the audit as it is, or with --version N as it was",
        f"{vigil} status --once {data}": "services, audits, plans, read models",
        f"{vigil} up {data}": "go on from here",
    }
    width = max(map(len, hints))
    return [f"{command:<{width}}  # {what}" for command, what in hints.items()]


def _program() -> str:
    """How the reader's shell finds the program: by name, or by the path it was started with."""
    return "vigil" if shutil.which("vigil") else sys.argv[0]
