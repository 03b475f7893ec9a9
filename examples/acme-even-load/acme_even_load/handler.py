"""Executes ``acme.lock`` in Nova."""

from dataclasses import dataclass

from acme_even_load.action import ALREADY_SO, LOCK, SERVER_GONE
from vigil.plugins import (
    Cause,
    Fail,
    Go,
    Handler,
    JsonObject,
    Observation,
    Phase,
    ProposedAction,
    ResourceNotFound,
    Skip,
    Verdict,
    inverse,
    option,
)


@dataclass(frozen=True)
class LockOptions:
    """``[watcher_actions.acme.lock]``."""

    reason: str = option("placed by Vigil", "The reason that users of the server see.")


class LockHandler(Handler):
    """One request, whose effect is visible at once."""

    declaration = LOCK
    options = LockOptions

    def precondition(self, parameters: JsonObject) -> Verdict:
        """The server exists and is in the other state."""
        server, state = parameters["resource_id"], parameters["state"]
        found = self._state(server)
        if found is None:
            return Fail(Cause(SERVER_GONE, {"server": server}))
        if found == state:
            return Skip(Cause(ALREADY_SO, {"server": server, "state": state}))
        return Go({"state": found})

    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Sends the request, once."""
        del before
        body: dict[str, object] = {"unlock": None}
        if parameters["state"] == "locked":
            body = {"lock": {"locked_reason": self.options_as(LockOptions).reason}}
        path = f"/servers/{parameters['resource_id']}/action"
        response = self.clouds.compute.send_once("POST", path, body, version="2.73")
        return {"request_id": response.request_id}

    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Compares the state: Nova changes it within the request."""
        del before, receipt
        server, wanted = parameters["resource_id"], parameters["state"]
        found = self._state(server)
        if found is None:
            return Observation(Phase.FAILED, {}, Cause(SERVER_GONE, {"server": server}))
        phase = Phase.DONE if found == wanted else Phase.NEVER_STARTED
        return Observation(phase, {"state": found})

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """The state before."""
        del outcome
        return inverse(LOCK.name, parameters, {"state": before["state"]})

    def _state(self, server: object) -> str | None:
        try:
            found = self.clouds.compute.get(f"/servers/{server}", version="2.9")["server"]
        except ResourceNotFound:
            return None
        return "locked" if found["locked"] else "unlocked"
