"""Every error has one response, and responses hide internals (docs/api.md, "Errors")."""

import io
import json
import logging
from dataclasses import replace
from typing import Any

import falcon.testing
import pytest

from application.kernel import errors as application
from application.kernel import unit_of_work as transactions
from application.ports import event_log, projections, read_models
from application.ports.event_log import ConcurrencyConflict, EventLogUnavailable
from application.ports.projections import Overtaken, StoreUnavailable
from domain.kernel import errors as domain
from domain.optimization.selection import NoStrategyForGoal
from infrastructure import logs
from interfaces.rest import errors
from interfaces.rest.app import create_app
from interfaces.rest.errors import STATUS, status_of
from tests.world.api import ApiWorld, fault, refused


def family(root: type[Exception]) -> set[type[Exception]]:
    found = {root}
    for child in root.__subclasses__():
        found |= family(child)
    return found


def own(module: Any) -> set[type[Exception]]:
    return {
        one
        for one in vars(module).values()
        if isinstance(one, type)
        and issubclass(one, Exception)
        and one.__module__ == module.__name__
    }


def test_every_refusal_has_exactly_one_answer() -> None:
    everything = {
        one
        for root in (domain.DomainError, application.ApplicationError, errors.RestError)
        for one in family(root)
        if one.__module__.split(".")[0] in {"domain", "application", "interfaces"}
    }
    for module in (event_log, projections, read_models, transactions):
        everything |= own(module)
    everything.remove(Overtaken)  # the batch of a projector, which tries again
    assert everything == {*STATUS, NoStrategyForGoal}
    assert status_of(NoStrategyForGoal) == 404, "as of its base class, so that it is not imported"


def test_envelopes_are_json_in_json() -> None:
    outer = json.loads(errors.envelope(404, 'a "quoted" ü'))
    inner = json.loads(outer["error_message"])
    assert inner == {"faultcode": "Client", "faultstring": 'a "quoted" ü', "debuginfo": None}
    assert errors.envelope(500, "ü").isascii()


class Broken:
    """Read models that fail in every query."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


def broken(api: ApiWorld, error: Exception) -> falcon.testing.TestClient:
    services = replace(api.rest, reads=Broken(error))
    return falcon.testing.TestClient(create_app(services))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreUnavailable("postgresql://user:secret@host is down"), 503),
        (EventLogUnavailable("postgresql://user:secret@host is down"), 503),
        (ConcurrencyConflict("secret"), 503),
        (RuntimeError("secret"), 500),
        (KeyError("secret"), 500),
    ],
)
def test_failures_are_told_without_their_insides(
    api: ApiWorld, error: Exception, status: int
) -> None:
    result = broken(api, error).simulate_get("/v1/audits/x")
    assert "secret" not in refused(result, status)
    assert "Traceback" not in result.text


class TestWithoutTheEventLog:
    """A GET was told that it is unknown whether a change was saved, and not to ask again."""

    class Away:
        def __getattr__(self, name: str) -> Any:
            raise EventLogUnavailable("postgresql://user:secret@host is down")

    def test_what_only_reads_is_told_to_come_again(self, api: ApiWorld) -> None:
        plan = api.plan()["uuid"]
        action = api.actions(plan)[0]["uuid"]
        services = replace(api.rest, history=self.Away())
        client = falcon.testing.TestClient(create_app(services))
        paths = (f"action_plans/{plan}?at=1", f"actions/{action}/events", "events/stream")
        for path in paths:
            result = client.simulate_get(f"/v1/{path}")
            told = refused(result, 503)
            assert told == "The event log is unavailable."
            assert result.headers["retry-after"] == "1"

    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    def test_of_a_write_nobody_knows(self, api: ApiWorld, method: str) -> None:
        audit = api.audit(audit_type="EVENT")["uuid"]
        services = replace(api.rest, commands=self.Away())  # type: ignore[arg-type]
        client = falcon.testing.TestClient(create_app(services))
        path = "/v1/audits" if method == "POST" else f"/v1/audits/{audit}"
        bodies = {
            "POST": {"audit_type": "EVENT", "goal": "dummy"},
            "PATCH": [{"op": "replace", "path": "/name", "value": "other"}],
        }
        result = client.simulate_request(method, path, json=bodies.get(method))
        assert "it is unknown whether a change was saved" in refused(result, 500)
        assert "retry-after" not in result.headers


def test_an_unexpected_failure_is_in_the_log_with_its_request(api: ApiWorld) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.HumanFormatter())
    handler.addFilter(logs._ContextFilter("api", ""))
    logging.getLogger("vigil.rest").addHandler(handler)
    try:
        result = broken(api, RuntimeError("the inside")).simulate_get("/v1/audits/x")
    finally:
        logging.getLogger("vigil.rest").removeHandler(handler)
    assert "the inside" in stream.getvalue()
    assert f"[{result.headers['x-openstack-request-id']}]" in stream.getvalue()


class TestAfterAWrite:
    """Something was saved: whoever retries must not double it."""

    @pytest.mark.parametrize("late", ["behind", "unreachable"])
    def test_what_cannot_be_shown_yet_is_told_as_done(self, api: ApiWorld, late: str) -> None:
        class Late:
            def __getattr__(self, name: str) -> Any:
                return getattr(api.reads, name)

            def await_position(self, position: int, timeout: float) -> bool:
                if late == "unreachable":
                    raise StoreUnavailable("down")
                return False

        services = replace(api.rest, reads=Late())
        client = falcon.testing.TestClient(create_app(services))
        body = {"audit_type": "EVENT", "goal": "dummy", "name": "saved"}
        result = client.simulate_post("/v1/audits", json=body)
        assert result.status_code == 500
        assert "carried out" in fault(result)
        api.settle(int(result.headers["vigil-position"]))
        assert api.get("/v1/audits/saved")["state"] == "PENDING"
