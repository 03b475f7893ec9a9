"""The acts of the demo: start, audit, explain, execute, compare, verify, offer the way back."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from rich.console import Console

from infrastructure.supervision import UpState
from interfaces.client import ClientError, VigilClient
from interfaces.demo.cloud import Cloud
from interfaces.demo.errors import DemoFailed
from interfaces.demo.film import Film
from interfaces.demo.installation import DemoCloud, DemoInstallation
from interfaces.demo.inventory import Inventory
from interfaces.demo.output import DemoOutput
from interfaces.demo.places import Place, Places, effects_of, hosts_of
from interfaces.demo.scenarios import Scenario
from interfaces.terminal.plan_explanation import counted, explained, folded

NAME = "demo"
"""Of the audit."""
POLL = 0.25
"""Seconds between two polls."""
CATALOGUE, AUDIT, EXECUTION, RETURN = 60.0, 60.0, 600.0, 60.0
"""Timeouts in seconds."""
RUNNING = {"PENDING", "ONGOING", "CANCELLING"}
DIGEST = 12
"""Characters of a digest that are printed."""
PAGE = 1000
"""Actions that are read at once."""

T = TypeVar("T")
Document = dict[str, Any]


class DemoScript:
    """Runs the demo.

    Args:
        installation: started here, stopped by the caller.
        scenario: what is wrong, and what shall be done.
        size: of the simulated cloud.
        output: prints the acts.
        film: shows the execution.
    """

    def __init__(
        self,
        installation: DemoInstallation,
        scenario: Scenario,
        size: DemoCloud,
        output: DemoOutput,
        film: Callable[[Console, Places], Film] = Film,
    ) -> None:
        self._installation = installation
        self._film = film
        self._scenario = scenario
        self._size = size
        self._output = output

    def run(self) -> str:
        """Runs all acts; returns the id of the action plan, empty if there was nothing to do.

        Raises:
            DemoFailed: an act failed.
        """
        output, began = self._output, time.monotonic()
        output.act("Start")
        output.start(self._size)
        up = self._installation.start()
        output.text(f"Ready after {time.monotonic() - began:.0f} s: {up.api_url}")
        api = VigilClient(up.api_url)
        cloud = Cloud(up.cloud, up.cloud_config or "", _prometheus(up))
        try:
            return self._acts(api, cloud)
        except ClientError as error:
            raise DemoFailed(f"the API: {error}") from error
        finally:
            cloud.close()
            api.close()

    def _acts(self, api: VigilClient, cloud: Cloud) -> str:
        output, scenario = self._output, self._scenario
        output.act(f"Audit: goal {scenario.goal}")
        output.text(scenario.story)
        before = cloud.read(scenario.figures)
        output.figures(before)
        plan = self._audit(api)
        uuid = str(plan["uuid"])
        explanation = api.get(f"/v1/action_plans/{uuid}/explanation")
        inventory = Inventory(api.get("/v1/data_model")["context"])
        output.act("The plan, explained")
        output.lines(explained(explanation, inventory.hosts, output.width))
        if not explanation["moves"]:
            output.text("The plan is empty: there is nothing to improve.")
            return ""
        if plan["state"] != "RECOMMENDED":
            raise DemoFailed(f"the plan is {plan['state']}: it cannot be executed")
        output.act("Execution")
        seconds = self._execute(api, plan, _places(cloud, explanation, inventory))
        output.act("Before and after, as the cloud itself says")
        output.result(before, cloud.read(scenario.figures))
        output.text(f"The plan took {seconds:.0f} s.")
        output.act("Verified")
        self._verify(api, uuid)
        output.act("The way back")
        self._offer_return(api, uuid)
        return uuid

    def _audit(self, api: VigilClient) -> Document:
        scenario = self._scenario
        self._await(
            lambda: api.get("/v1/strategies", goal=scenario.goal)["strategies"] or None,
            CATALOGUE,
            "a strategy is registered",
        )
        began = time.monotonic()
        body = {
            "name": NAME,
            "audit_type": "ONESHOT",
            "goal": scenario.goal,
            "parameters": dict(scenario.parameters),
        }
        if scenario.strategy is not None:
            body["strategy"] = scenario.strategy
        uuid = api.post("/v1/audits", body)["uuid"]

        def ended() -> Document | None:
            audit: Document = api.get(f"/v1/audits/{uuid}")
            return None if audit["state"] in RUNNING else audit

        audit = self._await(ended, AUDIT, "the audit ended")
        if audit["state"] != "SUCCEEDED":
            raise DemoFailed(f"the audit is {audit['state']}: {audit.get('status_message')}")
        plans = api.get("/v1/action_plans/detail", audit_uuid=uuid)["action_plans"]
        if not plans:
            raise DemoFailed(f"audit {uuid} has no action plan")
        plan: Document = plans[-1]
        self._output.text(
            f"The audit SUCCEEDED after {time.monotonic() - began:.1f} s: strategy "
            f"{plan['strategy_name']}, action plan {plan['uuid']}."
        )
        return plan

    def _execute(self, api: VigilClient, plan: Document, places: Places) -> float:
        """Executes the plan; returns how many seconds that took."""
        uuid, began = plan["uuid"], time.monotonic()
        api.post(f"/v1/action_plans/{uuid}/start")
        with self._film(self._output.console, places) as film:

            def ended() -> Document | None:
                line = _line(api.get("/v1/overview"), uuid)
                film.show(line, _succeeded(api, uuid), time.monotonic() - began)
                return None if line["state"] in {*RUNNING, "RECOMMENDED"} else line

            line = self._await(ended, EXECUTION, "the action plan ended")
        if line["state"] != "SUCCEEDED":
            raise DemoFailed(f"the plan is {line['state']}: {line['message']}")
        return time.monotonic() - began

    def _verify(self, api: VigilClient, plan: str) -> None:
        first = api.get(f"/v1/action_plans/{plan}/events", limit=1)["events"][0]
        found = api.get(f"/v1/runs/{first['correlation_id']}/verification")
        if found["outcome"] != "identical":
            raise DemoFailed(f"the decision is {found['outcome']}: {found['because']}")
        self._output.text(
            "Vigil decided once more, from what it had recorded before it moved anything:"
        )
        self._output.text(
            f"identical: {found['actions']} actions, digest {found['explanation'][:DIGEST]}, "
            f"{found['seconds']:.1f} s"
        )

    def _offer_return(self, api: VigilClient, plan: str) -> None:
        path = f"/v1/action_plans/{plan}/return"
        api.post(path)

        def made() -> Document | None:
            found: Document = api.get(path)
            return None if found["state"] == "REQUESTED" else found

        found = self._await(made, RETURN, "the return plan is made")
        if found["state"] != "MADE":
            self._output.text(f"There is no plan back: {found['status_message']}")
            return
        explanation = api.get(f"/v1/action_plans/{found['uuid']}/explanation")
        self._output.text(
            f"Return plan {found['uuid']} is ready, but not started. It "
            f"{counted(explanation['moves'])}."
        )
        self._output.lines(folded(explanation["notes"], self._output.width))

    def _await(self, poll: Callable[[], T | None], within: float, what: str) -> T:
        """Polls until there is a result; fails early if the installation has ended."""
        deadline = time.monotonic() + within
        while (result := poll()) is None:
            self._installation.check()
            if time.monotonic() > deadline:
                raise DemoFailed(f"timeout after {within:g} s, waiting until {what}")
            time.sleep(POLL)
        return result


def _prometheus(up: UpState) -> str:
    return up.prometheus_url or f"{up.simulator_url}/prometheus"


def _line(overview: Document, plan: str) -> Document:
    """The plan in the overview."""
    for one in overview["plans"]:
        if one["uuid"] == plan:
            found: Document = one
            return found
    raise DemoFailed(f"the overview has no plan {plan}")


def _succeeded(api: VigilClient, plan: str) -> set[str]:
    """The actions that have succeeded."""
    found: set[str] = set()
    marker: str | None = None
    while True:
        query = {"action_plan_uuid": plan, "limit": PAGE, "marker": marker}
        page = api.get("/v1/actions", **query)["actions"]
        found |= {one["uuid"] for one in page if one["state"] == "SUCCEEDED"}
        if len(page) < PAGE:
            return found
        marker = page[-1]["uuid"]


def _places(cloud: Cloud, explanation: Document, inventory: Inventory) -> Places:
    """The hosts that the plan changes, or the pools if it moves volumes alone."""
    moves = explanation["moves"]
    effects = effects_of(moves, inventory.memory)
    if all(one["action_type"] == "volume_migrate" for one in moves):
        pools = cloud.read(lambda now: now.pools)
        return Places((Place(one.name, one.total, one.total - one.free) for one in pools), effects)
    return Places(hosts_of(inventory.hosts), effects)
