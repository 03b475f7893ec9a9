"""A client of the REST API with the requests that the demo sends."""

from typing import Any

import requests

from infrastructure.failed_connections import plain
from interfaces.demo.errors import DemoFailed

TIMEOUT = 15.0
VERSION = {"OpenStack-API-Version": "infra-optim 1.4"}


class ApiClient:
    """The REST API of an installation."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers.update(VERSION)

    def goals(self) -> list[str]:
        """Names of the registered goals."""
        return [one["name"] for one in self._get("/v1/goals")["goals"]]

    def strategies(self, goal: str) -> list[str]:
        """Names of the registered strategies of a goal."""
        found = self._get("/v1/strategies", {"goal": goal})["strategies"]
        return [one["name"] for one in found]

    def create_audit(self, name: str, goal: str) -> dict[str, Any]:
        """Creates a one-shot audit."""
        body = {"name": name, "audit_type": "ONESHOT", "goal": goal}
        return self._request("POST", "/v1/audits", json=body)

    def audit(self, uuid: str) -> dict[str, Any]:
        """Returns an audit."""
        return self._get(f"/v1/audits/{uuid}")

    def plan_of(self, audit: str) -> dict[str, Any]:
        """Returns the action plan of an audit."""
        plans = self._get("/v1/action_plans/detail", {"audit_uuid": audit})["action_plans"]
        if not plans:
            raise DemoFailed(f"audit {audit} has no action plan")
        return self.plan(plans[-1]["uuid"])

    def plan(self, uuid: str) -> dict[str, Any]:
        """Returns an action plan."""
        return self._get(f"/v1/action_plans/{uuid}")

    def launch(self, plan: str) -> dict[str, Any]:
        """Starts the execution of an action plan."""
        change = [{"op": "replace", "path": "/state", "value": "PENDING"}]
        return self._request("PATCH", f"/v1/action_plans/{plan}", json=change)

    def close(self) -> None:
        """Closes connections."""
        self._session.close()

    def _get(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        return self._request("GET", path, params=query)

    def _request(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            response = self._session.request(method, self._url + path, timeout=TIMEOUT, **more)
        except requests.RequestException as error:
            raise DemoFailed(
                f"{method} {path}: no answer from the API: {plain(str(error))}"
            ) from error
        if not response.ok:
            raise DemoFailed(f"{method} {path}: {response.status_code} {response.text[:300]}")
        body: dict[str, Any] = response.json()
        return body
