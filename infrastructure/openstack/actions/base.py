"""The base class of action handlers: validation of parameters, look-up of servers and services."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from jsonschema import Draft4Validator, ValidationError

from application.ports.cloud import ActionHandler, Fail, Observation, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause, Reason
from domain.plans.action_types import ActionType
from domain.plans.action_types.schemas import UUID
from domain.plans.reasons import ACTION_PARAMETERS_INVALID
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import CloudService, Json

Now = Callable[[], float]
"""Seconds since the epoch."""


def validate(handler: ActionHandler, parameters: JsonObject) -> None:
    """Checks parameters against a handler's schema.

    Raises:
        InvalidValue: names the first invalid field (in order of name) and the rule it breaks.
    """
    errors = Draft4Validator(handler.declaration.schema).iter_errors(parameters)
    worst = min(errors, key=lambda error: (_field(error), error.message), default=None)
    if worst is not None:
        raise InvalidValue(_field(worst), _rule(worst))


def _field(error: ValidationError) -> str:
    path = [str(part) for part in error.absolute_path]
    rule: Any = error.validator_value
    given: Any = error.instance
    schema: Any = error.schema
    if error.validator == "required":
        path += sorted(set(rule) - set(given))[:1]
    elif error.validator == "additionalProperties":
        path += sorted(set(given) - set(schema["properties"]))[:1]
    return ".".join(path) or "parameters"


def _rule(error: ValidationError) -> str:
    rules: dict[str, Callable[[Any], str]] = {
        "required": lambda _: "is required",
        "additionalProperties": lambda _: "is not a parameter of this action",
        "enum": lambda allowed: f"must be one of {', '.join(map(str, allowed))}",
        "pattern": lambda pattern: "must be a UUID" if pattern == UUID else f"must match {pattern}",
        "minLength": lambda _: "must not be empty",
        "maxLength": lambda limit: f"must have at most {limit} characters",
        "minimum": lambda limit: f"must be at least {limit}",
        "type": lambda kinds: (
            "must be of type " + (kinds if isinstance(kinds, str) else " or ".join(kinds))
        ),
    }
    rule = rules.get(str(error.validator), lambda _: error.message)(error.validator_value)
    missing = error.validator in {"required", "additionalProperties"}
    return rule if missing else f"{rule}, not {error.instance!r}"


class Handler(ABC):
    """An action handler; it validates parameters before each check.

    Attributes:
        declaration: see ``ActionHandler``.
    """

    declaration: ActionType

    def __init__(self, nova: CloudService, limits: ConnectionLimits, now: Now) -> None:
        self._nova = nova
        self._limits = limits
        self._now = now

    def check(self, parameters: JsonObject) -> Verdict:
        """Checks the preconditions of the action."""
        try:
            validate(self, parameters)
        except InvalidValue as error:
            return Fail(Cause(ACTION_PARAMETERS_INVALID, {"error": str(error)}))
        return self._check(parameters)

    @abstractmethod
    def _check(self, parameters: JsonObject) -> Verdict: ...

    @abstractmethod
    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Sends the request, once; returns the receipt."""

    @abstractmethod
    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Reads the state of the action from the cloud."""

    def abort(self, parameters: JsonObject, receipt: JsonObject | None) -> None:  # noqa: B027
        """Does nothing: the cloud cannot abort this action."""

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """Seconds from the intent to the deadline."""
        del parameters, before
        return self._limits.shortest_deadline

    def _server(self, parameters: JsonObject) -> Json | None:
        try:
            server: Json = self._nova.get(f"/servers/{parameters['resource_id']}")["server"]
        except ResourceNotFound:
            return None
        return server

    def _compute_service(self, host: object) -> Json | None:
        """The nova-compute service on a host, by its exact name."""
        query = {"binary": "nova-compute", "host": host}
        services = self._nova.get("/os-services", query)["services"]
        return next((service for service in services if service["host"] == host), None)


def because(reason: Reason, **facts: object) -> Cause:
    """A reason with its facts."""
    return Cause(reason, facts)


def number(value: object) -> float:
    """Returns a fact as a number, 0 if it is none."""
    return float(value) if isinstance(value, (int, float)) else 0.0
