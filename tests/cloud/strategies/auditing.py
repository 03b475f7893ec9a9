"""Audits of a zone by the unmodified client."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.cloud.simulator.clouds import until
from tests.cloud.strategies.zone import Zone
from tests.e2e.client.session import Session
from tests.integration.cli.running import RunningVigil

Json = dict[str, Any]
RUNNING = ("PENDING", "ONGOING")


@dataclass(frozen=True)
class Executed:
    """An executed plan, as the client shows it, and its actions."""

    plan: Json
    actions: list[Json]

    def counts(self) -> Counter[str]:
        """Action type → number of actions."""
        return Counter(one["Action"] for one in self.actions)

    def of(self, kind: str) -> list[Json]:
        """The parameters of the actions of a type."""
        return [one["Parameters"] for one in self.actions if one["Action"] == kind]


@dataclass(frozen=True)
class Auditing:
    """Creates audits and waits for the end of their plans."""

    client: Session
    vigil: RunningVigil
    zone: Zone
    folder: Path

    def create(self, goal: str, strategy: str, parameters: Json, *more: str) -> str:
        """Creates an audit of the zone; returns its id."""
        name = f"{strategy} {uuid4()}"
        scope = self.folder / "scope.json"
        scope.write_text(json.dumps(self.zone.scope()))
        self.client(*("audittemplate", "create", name, goal, "-s", strategy, "--scope", str(scope)))
        words = []
        for key, value in parameters.items():
            text = value if isinstance(value, str) else json.dumps(value)
            words += ["-p", f"{key}={text}"]
        made = self.client.json("audit", "create", "-a", name, *words, *more)
        return str(made["UUID"])

    def executed(self, goal: str, strategy: str, parameters: Json) -> Executed:
        """Runs an audit whose plan is started at once; returns the plan, which succeeded."""
        audit = self.create(goal, strategy, parameters, "--auto-trigger")

        def ended() -> bool:
            state = self.client.json("audit", "show", audit)["State"]
            plans = self.plans(audit)
            over = plans and plans[0]["State"] not in (*RUNNING, "RECOMMENDED")
            return state not in RUNNING and bool(over or state != "SUCCEEDED")

        until(ended, f"the audit by {strategy} and its plan have ended")
        shown = self.client.json("audit", "show", audit)
        assert shown["State"] == "SUCCEEDED", shown
        (listed,) = self.plans(audit)
        plan = self.client.json("actionplan", "show", listed["UUID"])
        actions = self.client.json("action", "list", "--action-plan", plan["UUID"], "--detail")
        assert plan["State"] == "SUCCEEDED", (plan, actions)
        assert {one["State"] for one in actions} <= {"SUCCEEDED"}, actions
        return Executed(plan, actions)

    def plans(self, audit: str) -> list[Json]:
        """The plans of an audit, oldest first."""
        found: list[Json] = self.client.json("actionplan", "list", "--audit", audit)
        return found
