"""The steps of the demo: audit, explain, execute, compare, show the events."""

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

from application.decision_engine.computation import DirectRunner
from application.queries.overview import PlanLine
from application.queries.overview_query import plan_line
from application.replay.runs import run_of_plan
from application.replay.timeline import newest
from domain.plans import ActionPlan
from infrastructure.clock import SystemClock
from infrastructure.plugins import Registry
from infrastructure.settings import Settings, load
from infrastructure.supervision import UpState
from interfaces.bootstrap.decisions import verifier
from interfaces.bootstrap.queries import Queries
from interfaces.demo import cloud as clouds
from interfaces.demo.client import ApiClient
from interfaces.demo.cloud import Figures
from interfaces.demo.errors import DemoFailed
from interfaces.demo.installation import DemoInstallation
from interfaces.demo.output import DemoOutput, PlanProgressDisplay
from interfaces.terminal.verification import verdict_line

GOAL = "server_consolidation"
NAME = "demo"
EVENTS = 12
POLL = 0.2
"""Seconds between two polls."""
CATALOGUE, AUDIT, EXECUTION = 60.0, 60.0, 600.0
"""Timeouts in seconds."""
RUNNING = {"PENDING", "ONGOING"}

T = TypeVar("T")


@dataclass(frozen=True)
class DemoCloud:
    """The simulated cloud."""

    hosts: int
    servers: int
    seed: int
    speed: float

    def options(self) -> dict[str, str]:
        """The options of the demo: this cloud, and polling and parallelism that fit its speed."""
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
    """Runs the demo.

    Args:
        installation: started here, stopped by the caller.
        size: of the simulated cloud.
        output: prints the steps.
    """

    def __init__(self, installation: DemoInstallation, size: DemoCloud, output: DemoOutput) -> None:
        self._installation = installation
        self._size = size
        self._output = output

    def run(self) -> None:
        """Runs all steps.

        Raises:
            DemoFailed: a step failed.
        """
        size, output = self._size, self._output
        output.step(
            f"Starting Vigil and a simulated cloud: {size.hosts} hosts, {size.servers} servers "
            f"(seed {size.seed}, {size.speed:g} times real speed)"
        )
        up = self._installation.start()
        output.line(f"API {up.api_url}, cloud {up.simulator_url}, data {up.data_dir}")
        api = ApiClient(up.api_url)
        queries = Queries(_settings(up))
        cloud = clouds.connect(up.cloud, up.cloud_config or "")
        try:
            self._act(api, queries, cloud, Path(up.data_dir))
        finally:
            cloud.close()
            queries.close()
            api.close()

    def _act(self, api: ApiClient, queries: Queries, cloud: Connection, directory: Path) -> None:
        output = self._output
        before = _figures(cloud)
        output.line(f"{before.servers} servers run on {before.used} of {before.hosts} hosts.")
        output.step(f"Auditing: goal {GOAL}")
        plan = self._audit(api)
        uuid = UUID(plan["uuid"])
        actions = self._loaded(queries, uuid)
        output.step(f"Action plan {uuid}: {len(actions.actions)} actions")
        output.plan(actions, plan)
        if not actions.actions:
            output.line("The plan is empty: there is nothing to improve.")
            return
        if plan["state"] != "RECOMMENDED":
            raise DemoFailed(f"the plan is {plan['state']}: it cannot be executed")
        output.step("Execution")
        began = time.monotonic()
        api.launch(plan["uuid"])
        self._follow(queries, uuid, began)
        seconds = time.monotonic() - began
        output.step("Before and after")
        output.result(before, _figures(cloud), seconds)
        output.step(f"The last {EVENTS} events")
        output.events(newest(queries.log, EVENTS))
        output.step("Proof: the recorded decision is repeated and compared with the plan")
        self._verify(queries, uuid)
        output.step("Undo the plan: start the installation again, then return the plan")
        for line in how_to_undo(directory, uuid):
            output.line(line)

    def _audit(self, api: ApiClient) -> dict[str, Any]:
        self._await(lambda: api.strategies(GOAL) or None, CATALOGUE, "a strategy is registered")
        began = time.monotonic()
        uuid = api.create_audit(NAME, GOAL)["uuid"]
        self._output.line(f"Audit {uuid} is created.")

        def ended() -> dict[str, Any] | None:
            audit = api.audit(uuid)
            return None if audit["state"] in RUNNING else audit

        audit = self._await(ended, AUDIT, "the audit ended")
        if audit["state"] != "SUCCEEDED":
            raise DemoFailed(f"the audit is {audit['state']}: {audit.get('status_message')}")
        self._output.line(f"The audit SUCCEEDED after {time.monotonic() - began:.1f} s.")
        return self._await(lambda: api.plan_of(uuid), AUDIT, "the action plan exists")

    def _follow(self, queries: Queries, uuid: UUID, began: float) -> None:
        clock = SystemClock()
        with PlanProgressDisplay(self._output.console) as progress:

            def ended() -> PlanLine | None:
                view = queries.read.action_plan(uuid)
                if view is None:
                    return None
                plan = plan_line(queries, view, clock.now())
                progress.show(plan, time.monotonic() - began)
                return None if plan.state in RUNNING or plan.state == "RECOMMENDED" else plan

            plan = self._await(ended, EXECUTION, "the action plan ended")
        if plan.state != "SUCCEEDED":
            raise DemoFailed(f"the plan is {plan.state}: {plan.message}")
        self._output.line(f"The plan SUCCEEDED: {plan.ended} actions. {plan.message}".rstrip())

    def _verify(self, queries: Queries, plan: UUID) -> None:
        run = run_of_plan(queries.log, plan)
        settings = load(flags=self._size.options(), files=[]).settings
        registry = Registry()
        runner = DirectRunner(registry.optimizers)
        found = None
        if run is not None:
            found = verifier(settings, queries.log, queries.records, registry, runner).verify(run)
            self._output.line(verdict_line(found))
        if found is None or not found.is_proof:
            raise DemoFailed(f"the decision of action plan {plan} cannot be proved")

    @staticmethod
    def _loaded(queries: Queries, uuid: UUID) -> ActionPlan:
        plan = queries.log.find(ActionPlan, uuid)
        if plan is None:
            raise DemoFailed(f"the log has no plan {uuid}")
        return plan

    def _await(self, poll: Callable[[], T | None], within: float, what: str) -> T:
        """Polls until there is a result; fails early if the installation has ended."""
        deadline = time.monotonic() + within
        while (result := poll()) is None:
            self._installation.check()
            if time.monotonic() > deadline:
                raise DemoFailed(f"timeout after {within:g} s, waiting until {what}")
            time.sleep(POLL)
        return result


def _settings(up: UpState) -> Settings:
    flags = {"database.connection": up.database, "vigil.data_dir": up.data_dir}
    return load(flags=flags, files=[]).settings


def _figures(cloud: Connection) -> Figures:
    try:
        return clouds.figures(cloud)
    except (SDKException, ClientException) as error:
        raise DemoFailed(f"the cloud does not answer: {error}") from error


def how_to_replay(directory: Path) -> list[str]:
    """Commands to try next."""
    vigil, data = _program(), f"--data {directory}"
    hints = {
        f"{vigil} replay log {data}": "all events",
        f"{vigil} replay show {NAME} {data}": "the audit now; add --version N for an earlier state",
        f"{vigil} replay verify --all {data}": "repeat every decision and compare",
        f"{vigil} status --once {data}": "services, audits, action plans, read models",
        f"{vigil} up {data}": "start this installation again",
    }
    return _hints(hints)


def how_to_undo(directory: Path, plan: UUID) -> list[str]:
    """Commands that undo the plan."""
    vigil, data = _program(), f"--data {directory}"
    return _hints(
        {
            f"{vigil} up {data}": "in another terminal",
            f"{vigil} plan return {plan} {data}": "make a plan that undoes it, and show it",
            f"{vigil} plan return {plan} --start {data}": "execute that plan",
        }
    )


def _hints(hints: dict[str, str]) -> list[str]:
    width = max(map(len, hints))
    return [f"{command:<{width}}  # {what}" for command, what in hints.items()]


def _program() -> str:
    """The program as the user can call it: by name, or by the path it was started with."""
    return "vigil" if shutil.which("vigil") else sys.argv[0]
