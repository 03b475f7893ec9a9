"""The base class of action handlers: validation of parameters, look-up of servers and services.

A handler executes the action type of its declaration::

    UNLOCK = ActionType(
        name="acme.unlock",
        description="Unlocks a server.",
        schema=schema_of(("resource_id",), resource_id=ID),
        resource=ResourceKind.SERVER,
    )

    class Unlock(Handler):
        declaration = UNLOCK

        def precondition(self, parameters: JsonObject) -> Verdict:
            return Go({})

        def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
            path = f"/servers/{parameters['resource_id']}/action"
            response = self.clouds.compute.send_once("POST", path, {"unlock": None})
            return {"request_id": response.request_id}

        def observe(
            self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
        ) -> Observation:
            server = self.clouds.compute.get(f"/servers/{parameters['resource_id']}")["server"]
            return Observation(Phase.NEVER_STARTED if server["locked"] else Phase.DONE, {})
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from application.kernel.action_parameters import check_action_parameters
from application.ports.cloud import ActionHandler, Fail, Observation, Verdict
from domain.kernel.aggregate import JsonObject
from domain.kernel.errors import InvalidValue
from domain.kernel.options import NO_OPTIONS, NoOptions, O, options_as
from domain.kernel.reasons import Cause, Reason
from domain.plans.action_types import ActionType
from domain.plans.proposal import ProposedAction
from domain.plans.reasons import ACTION_PARAMETERS_INVALID, NO_INVERSE_ACTION, UNDOES_ACTION
from infrastructure.openstack.actions.conduct import Conduct
from infrastructure.openstack.clouds import Clouds
from infrastructure.openstack.connection import ConnectionLimits
from infrastructure.openstack.errors import ResourceNotFound
from infrastructure.openstack.service import Json

Now = Callable[[], float]
"""Seconds since the epoch."""


def validate(handler: ActionHandler, parameters: JsonObject) -> None:
    """Checks parameters against a handler's schema.

    Raises:
        InvalidValue: names the first invalid field (in order of name) and the rule it breaks.
    """
    check_action_parameters(handler.declaration.schema, parameters)


class Handler(ABC):
    """An action handler; it validates parameters before each check. Stateless.

    The parameters of the methods:

    * ``parameters``: the input parameters of the action, with ``resource_id``.
    * ``before``: what ``precondition`` returned in ``Go``; stored before the request.
    * ``receipt``: the result of ``start``; None if it was lost in a crash or with the connection.
    * ``outcome``: the facts of the last observation.

    What the service raises need not be caught. ``CloudRefused`` in ``precondition`` and ``start``
    fails the action; after ``CloudUnreachable`` Vigil checks or observes again, and after both in
    ``observe``. Catch ``ResourceNotFound``, which is a ``CloudRefused``, to give a better reason.

    Attributes:
        declaration: see ``ActionHandler``.
        clouds: the services of the cloud.
        limits: time-outs and deadlines.
        now: the wall clock, s since the epoch.
        conduct: for docs/actions.md; only of the product's own actions.
        options: dataclass of what the operator sets in ``[watcher_actions.<name>]``, declared with
            ``domain.kernel.options.option``; see ``options_as``.
    """

    declaration: ActionType
    options: ClassVar[type] = NoOptions
    conduct: ClassVar[Conduct | None] = None

    def __init__(
        self,
        clouds: Clouds,
        limits: ConnectionLimits,
        now: Now,
        options: object = NO_OPTIONS,
    ) -> None:
        self.clouds = clouds
        self.limits = limits
        self.now = now
        self._options = options

    def options_as(self, kind: type[O]) -> O:
        """The options, as the class that the handler declares.

        Raises:
            TypeError: they are of another class.
        """
        return options_as(self._options, kind)

    def check(self, parameters: JsonObject) -> Verdict:
        """Checks the parameters against the schema, then the precondition."""
        try:
            validate(self, parameters)
        except InvalidValue as error:
            return Fail(Cause(ACTION_PARAMETERS_INVALID, {"error": str(error)}))
        return self.precondition(parameters)

    @abstractmethod
    def precondition(self, parameters: JsonObject) -> Verdict:
        """Whether the action, whose parameters are valid, can start; reads the state before it."""

    @abstractmethod
    def start(self, parameters: JsonObject, before: JsonObject) -> JsonObject:
        """Sends the request, once; returns the receipt: JSON values, for ``observe``.

        Raises:
            CloudRefused: the cloud changed nothing.
            CloudUnreachable: it is unknown whether the cloud changed anything.
        """

    @abstractmethod
    def observe(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> Observation:
        """Reads the state of the action from the cloud; only reads.

        Without a receipt it decides from the cloud's state. After ``NEVER_STARTED`` Vigil may send
        the request again; if the state does not tell, return ``UNKNOWN``.

        Raises:
            CloudUnreachable: the state is unknown now; Vigil observes again.
        """

    def advance(
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None, step: str
    ) -> JsonObject:
        """Refuses: the effect has no further steps."""
        del parameters, before, receipt
        raise LookupError(f"{self.declaration.name} has no step {step}")

    def can_abort(self, parameters: JsonObject) -> bool:
        """Whether the declaration says so."""
        del parameters
        return self.declaration.abortable

    def abort(  # noqa: B027 - most effects cannot be aborted
        self, parameters: JsonObject, before: JsonObject, receipt: JsonObject | None
    ) -> None:
        """Does nothing: the cloud cannot abort this action."""

    def compensation(
        self, parameters: JsonObject, before: JsonObject, outcome: JsonObject
    ) -> ProposedAction | Cause:
        """Returns the action that undoes this one, or why there is none. Sends nothing.

        By default there is none.
        """
        del parameters, before, outcome
        return because(NO_INVERSE_ACTION, type=self.declaration.name)

    def deadline(self, parameters: JsonObject, before: JsonObject) -> float:
        """Seconds from the intent to the deadline."""
        del parameters, before
        return self.limits.shortest_deadline

    def _server(self, parameters: JsonObject) -> Json | None:
        try:
            server: Json = self.clouds.compute.get(f"/servers/{parameters['resource_id']}")[
                "server"
            ]
        except ResourceNotFound:
            return None
        return server

    def _compute_service(self, host: object) -> Json | None:
        """The nova-compute service on a host, by its exact name."""
        query = {"binary": "nova-compute", "host": host}
        services = self.clouds.compute.get("/os-services", query)["services"]
        return next((service for service in services if service["host"] == host), None)


def inverse(kind: str, parameters: JsonObject, change: JsonObject) -> ProposedAction:
    """The action of the same type that undoes one.

    Args:
        kind: its type.
        parameters: of the action that is undone.
        change: the parameters that differ; None: without that parameter.
    """
    given = {name: value for name, value in {**parameters, **change}.items() if value is not None}
    resource = str(given.pop("resource_id"))
    undone = f"{kind} {given.get('resource_name') or resource}"
    return ProposedAction(kind, resource, given, because(UNDOES_ACTION, action=undone))


def because(reason: Reason, **facts: object) -> Cause:
    """A reason with its facts."""
    return Cause(reason, facts)


def number(value: object) -> float:
    """Returns a fact as a number, 0 if it is none."""
    return float(value) if isinstance(value, (int, float)) else 0.0
