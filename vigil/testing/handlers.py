"""The conformance suite of action handlers, on a simulated cloud."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar

from openstack.connection import Connection
from requests import Response, Session

from application.kernel.action_parameters import check_action_parameters
from application.ports.cloud import CloudRefused, Fail, Go, Observation, Phase
from domain.kernel.aggregate import JsonObject
from domain.kernel.reasons import Cause
from domain.plans.proposal import ProposedAction, parameters_of
from infrastructure.openstack.actions.base import Handler
from infrastructure.openstack.baremetal.maas import MaasNodes
from infrastructure.openstack.baremetal.maas_api import MaasApi
from infrastructure.openstack.clouds import Clouds
from infrastructure.openstack.connection import ConnectionLimits, connect
from infrastructure.plugins import contracts
from infrastructure.simulator import Simulator, SimulatorConfig, clouds_yaml
from infrastructure.simulator.baremetal.maas import API_KEY
from vigil.testing.clusters import generated_cluster
from vigil.testing.runs import installed

LIMITS = ConnectionLimits(timeout=20.0, effect_timeout=60.0, read_retries=0, settle=0.0)
H = TypeVar("H", bound=Handler)
DEADLINE = 60.0
"""Seconds in which an effect must end."""
PAUSE = 0.05


class SimulatedCloud:
    """An OpenStack over HTTP in this process (docs/simulator.md).

    Args:
        cluster: the contents of a cluster file; None: a generated one.
        speed: simulated seconds per second.
        maas: whether handlers switch nodes through MAAS instead of Ironic.

    Attributes:
        connection: of openstacksdk.
        clouds: the services, as handlers get them.
    """

    def __init__(
        self,
        cluster: Mapping[str, object] | None = None,
        speed: float = 50.0,
        *,
        maas: bool = False,
    ) -> None:
        self._folder = TemporaryDirectory(prefix="vigil-testing-")
        folder = Path(self._folder.name)
        file, config = folder / "cluster.json", folder / "clouds.yaml"
        file.write_text(json.dumps(cluster or generated_cluster()), encoding="utf-8")
        self._simulator = Simulator(SimulatorConfig(cluster_file=file, speed=speed))
        self._simulator.start()
        config.write_text(clouds_yaml(self._simulator.base_url), encoding="utf-8")
        self.connection: Connection = connect("simulator", config, LIMITS)
        self._maas = MaasApi(
            f"{self._simulator.base_url}/MAAS", API_KEY, timeout=LIMITS.timeout, read_retries=0
        )
        nodes = MaasNodes(self._maas) if maas else None
        self.clouds = Clouds(self.connection, LIMITS, nodes)

    def handler(self, kind: type[H], options: object = None) -> H:
        """A handler that executes its actions on this cloud.

        Args:
            kind: its class.
            options: an instance of ``kind.options``; None for the defaults.
        """
        return kind(self.clouds, LIMITS, time.time, options or kind.options())

    def close(self) -> None:
        """Stops it."""
        for session in self.sessions:
            session.close()
        self._simulator.stop()
        self._folder.cleanup()

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Those over which handlers send requests."""
        return self.connection.session.session, self._maas.session

    def servers(self) -> list[dict[str, Any]]:
        """Nova's records of all servers."""
        found: list[dict[str, Any]] = self.clouds.compute.get(
            "/servers/detail", {"all_tenants": True}
        )["servers"]
        return found

    def hosts(self) -> list[dict[str, Any]]:
        """Nova's records of the compute services."""
        found: list[dict[str, Any]] = self.clouds.compute.get(
            "/os-services", {"binary": "nova-compute"}
        )["services"]
        return found


@contextmanager
def only_reads(*sessions: Session) -> Iterator[None]:
    """Fails if anything but a read, or a request for a token, is sent meanwhile."""
    sent: list[str] = []

    def note(response: Response, *_: object, **__: object) -> None:
        request = response.request
        if request.method not in {"GET", "HEAD"} and not request.path_url.endswith("/auth/tokens"):
            sent.append(f"{request.method} {request.path_url}")

    hooks = [session.hooks["response"] for session in sessions]
    for each in hooks:
        each.append(note)
    try:
        yield
    finally:
        for each in hooks:
            each.remove(note)
    assert not sent, sent


class HandlerConformance:
    """What every action handler must do.

    Attributes:
        handler: the class to test.
        repeatable: whether a repeated request would do no harm; then ``observe`` may answer without
            a receipt that the action was never started.
        cluster: of the simulated cloud, the contents of a cluster file; None: a generated one.
    """

    handler: ClassVar[type[Handler]]
    repeatable: ClassVar[bool] = False
    cluster: ClassVar[Mapping[str, object] | None] = None

    cloud: ClassVar[SimulatedCloud]

    def parameters(self, cloud: SimulatedCloud) -> JsonObject:
        """Parameters of an action that can be executed now; each call may name another resource."""
        raise NotImplementedError

    @classmethod
    def setup_class(cls) -> None:
        """Starts the cloud."""
        cls.cloud = SimulatedCloud(cls.cluster)

    @classmethod
    def teardown_class(cls) -> None:
        """Stops it."""
        cls.cloud.close()

    def test_it_keeps_the_contract(self) -> None:
        """The rules that ``vigil plugins list`` checks."""
        declared = self.handler.declaration
        types = {declared.name: declared}
        assert list(contracts.action_type_problems(declared)) == []
        assert list(contracts.handler_problems(self.handler, types)) == []

    def test_invalid_parameters_are_refused(self) -> None:
        """Else a wrong plan would reach the cloud."""
        wrong = {**self.parameters(self.cloud), "no_such_parameter": 1}
        assert isinstance(self._made().check(wrong), Fail)

    def test_it_is_executed(self) -> None:
        """Check, start, observe until it ends; the check and the observations only read."""
        handler, parameters = self._made(), self.parameters(self.cloud)
        before = self._go(handler, parameters)
        receipt = handler.start(parameters, before)
        assert self._end(handler, parameters, before, receipt).phase is Phase.DONE
        assert handler.deadline(parameters, before) > 0

    def test_its_effect_is_recognised_without_the_receipt(self) -> None:
        """The applier may crash after the request; the action must not be requested again."""
        handler, parameters = self._made(), self.parameters(self.cloud)
        before = self._go(handler, parameters)
        handler.start(parameters, before)
        found = self._end(handler, parameters, before, None).phase
        allowed = {Phase.DONE, Phase.UNKNOWN}
        assert found in allowed | ({Phase.NEVER_STARTED} if self.repeatable else set())

    def test_an_action_that_was_not_requested_is_not_done(self) -> None:
        """The applier may crash before the request, too."""
        handler, parameters = self._made(), self.parameters(self.cloud)
        before = self._go(handler, parameters)
        found = handler.observe(parameters, before, None).phase
        assert found is not Phase.DONE
        if not self.repeatable:
            assert found in {Phase.NEVER_STARTED, Phase.UNKNOWN}

    def test_it_says_how_it_is_undone(self) -> None:
        """With a valid action if the declaration promises that, else with a reason."""
        handler, parameters = self._made(), self.parameters(self.cloud)
        before = self._go(handler, parameters)
        seen = self._end(handler, parameters, before, handler.start(parameters, before))
        found = handler.compensation(parameters, before, seen.facts)
        expected = ProposedAction if handler.declaration.compensable else Cause
        assert isinstance(found, expected), found
        if isinstance(found, ProposedAction):
            declared = handler.declaration
            types = {**installed().action_types, declared.name: declared}
            check_action_parameters(types[found.type].schema, parameters_of(found))

    def _made(self) -> Handler:
        return self.cloud.handler(self.handler)

    def _go(self, handler: Handler, parameters: JsonObject) -> JsonObject:
        with only_reads(*self.cloud.sessions):
            verdict = handler.check(parameters)
        assert isinstance(verdict, Go), verdict
        return verdict.before

    def _end(
        self,
        handler: Handler,
        parameters: JsonObject,
        before: JsonObject,
        receipt: JsonObject | None,
    ) -> Observation:
        """How it ends; every step on the way is taken."""
        limit = time.monotonic() + DEADLINE
        while True:
            with only_reads(*self.cloud.sessions):
                seen = handler.observe(parameters, before, receipt)
            if seen.phase is not Phase.RUNNING:
                return seen
            assert time.monotonic() < limit, f"still running: {seen.facts}"
            if seen.next_step is None:
                time.sleep(PAUSE)
            else:
                self._advance(handler, parameters, before, receipt, seen.next_step)

    def _advance(
        self,
        handler: Handler,
        parameters: JsonObject,
        before: JsonObject,
        receipt: JsonObject | None,
        step: str,
    ) -> None:
        try:
            handler.advance(parameters, before, receipt, step)
        except CloudRefused:
            time.sleep(PAUSE)  # the cloud is not ready for it
