"""Shelving on a real cloud, without Nova's response."""

import pytest

from application.ports.cloud import Go, Phase, Skip
from domain.kernel.aggregate import JsonObject
from tests.conformance.actions.conftest import LIMITS, real_ground
from tests.conformance.actions.ground import server_of, until
from tests.conformance.actions.real import RealGround
from tests.world.plugins import handlers

__all__ = ["real_ground"]


@pytest.mark.cloud
def test_a_server_is_shelved_and_found_to_be_without_a_receipt(real_ground: RealGround) -> None:
    shelve = handlers(real_ground.connection, LIMITS)["shelve"]
    server = real_ground.another().server
    parameters: JsonObject = {"resource_id": server}
    verdict = shelve.check(parameters)
    assert isinstance(verdict, Go)
    shelve.start(parameters, verdict.before)
    until(lambda: shelve.observe(parameters, verdict.before, None).phase is Phase.DONE)
    assert server_of(real_ground.nova, server)["status"].startswith("SHELVED")
    assert isinstance(shelve.check(parameters), Skip)
