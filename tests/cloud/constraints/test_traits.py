"""Traits."""

import pytest

from tests.cloud.constraints.ground import Situations
from tests.cloud.constraints.verdicts import Court

pytestmark = pytest.mark.cloud


def test_a_server_goes_only_where_its_required_trait_is(ground: Situations, court: Court) -> None:
    home, second, *_ = ground.names()
    with ground.trait(home, second) as trait:
        server = ground.server(host=home, flavor=ground.flavor({f"trait:{trait}": "required"}))
        found = court.everywhere(server)
        ground.delete(server)
    assert all(verdict.agreed for verdict in found.values()), found
    assert {host for host, v in found.items() if "RequiredTraits" not in v.ours} == {home, second}
    assert all(v.ours == {"RequiredTraits"} for h, v in found.items() if h not in {home, second})


def test_a_server_goes_only_where_its_forbidden_trait_is_not(
    ground: Situations, court: Court
) -> None:
    home, second, *rest = ground.names()
    with ground.trait(*rest) as trait:
        server = ground.server(host=home, flavor=ground.flavor({f"trait:{trait}": "forbidden"}))
        found = court.everywhere(server)
        ground.delete(server)
    assert all(verdict.agreed for verdict in found.values()), found
    assert {host for host, v in found.items() if "RequiredTraits" not in v.ours} == {home, second}
