"""How the suite drives a handler: as the applier does. Observations are watched: they only read."""

from contextlib import suppress
from typing import Any

from openstack.connection import Connection

from application.ports.cloud import ActionHandler, CloudRefused, Go, Observation, Phase
from domain.kernel.aggregate import JsonObject
from tests.conformance.actions.ground import until
from vigil.testing.handlers import only_reads

Acts = dict[str, ActionHandler]


def go(handler: ActionHandler, parameters: JsonObject) -> JsonObject:
    """The state before an action that may start."""
    verdict = handler.check(parameters)
    assert isinstance(verdict, Go), verdict
    return verdict.before


def look(
    handler: ActionHandler,
    parameters: JsonObject,
    before: JsonObject,
    receipt: JsonObject | None = None,
) -> Observation:
    """Observes, and takes the next step if the effect waits for one."""
    seen = handler.observe(parameters, before, receipt)
    if seen.next_step is not None:
        with suppress(CloudRefused):  # somebody else has taken it
            handler.advance(parameters, before, receipt, seen.next_step)
    return seen


def end(
    handler: ActionHandler,
    parameters: JsonObject,
    before: JsonObject,
    receipt: JsonObject | None = None,
) -> Observation:
    """How it ends; every step on the way is taken."""
    seen: list[Observation] = []

    def ended() -> bool:
        seen.append(look(handler, parameters, before, receipt))
        return seen[-1].phase is not Phase.RUNNING

    until(ended)
    return seen[-1]


def watched(acts: Acts, connection: Connection) -> Acts:
    """The handlers; each fails the test if one of its observations does more than read."""
    for handler in acts.values():
        vars(handler)["observe"] = _reading(handler.observe, connection)
    return acts


def _reading(observe: Any, connection: Connection) -> Any:
    def reading(*args: Any) -> Any:
        with only_reads(connection.session.session):
            return observe(*args)

    return reading
