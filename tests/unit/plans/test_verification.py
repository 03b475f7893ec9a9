import pytest

from domain.cluster.compute.model import ComputeModel
from domain.cluster.placement.branch import Branch
from domain.cluster.placement.steps import LoggedStep
from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.optimization.strategy import REQUESTED_BY_PARAMETERS
from domain.plans.action_types import migrate
from domain.plans.proposal import PlannedAction
from domain.plans.verification import verify_plan
from tests.unit.cluster.build import host, model, server
from tests.world.plugins import ACTION_TYPES

BECAUSE = Cause(REQUESTED_BY_PARAMETERS, {"strategy": "a"})


def broken(built: ComputeModel, to: int, *start: LoggedStep) -> list[str]:
    """The rules that a move of s0 breaks after some steps; the rules of a branch agree."""
    plan = [PlannedAction(migrate(built, 0, to, "live", BECAUSE), ())]
    found = verify_plan(built, plan, start=start, action_types=ACTION_TYPES)
    Branch(built).replay(start)
    return [violation.rule for violation in found]


def test_a_plan_is_verified_after_the_steps_that_it_starts_from() -> None:
    built = model([host(n) for n in range(3)], [server(0, 0), server(1, 1, vcpus=15)])
    large = {"name": "large", "vcpus": 4, "memory_mb": 2048, "disk_gb": 10, "extra_specs": {}}
    assert broken(built, 1) == ["Capacity"]
    assert broken(built, 1, ["move", "s1", "h2"]) == []
    assert broken(built, 1, ["resize", "s1", large]) == []
    assert broken(built, 2, ["disable", "h2"]) == ["ServiceEnabled"]
    assert broken(built, 2, ["disable", "h2"], ["enable", "h2"]) == []
    assert broken(built, 2, ["power-off", "h2"]) == ["ServiceUp"]
    assert broken(built, 2, ["power-off", "h2"], ["power-on", "h2"]) == []
    assert broken(built, 2, ["stop", "s0"], ["start", "s0"]) == []


@pytest.mark.parametrize("parents", [(0,), (1,), (-1,)])
def test_a_parent_that_does_not_come_before_is_a_defect(parents: tuple[int, ...]) -> None:
    built = model([host(n) for n in range(2)], [server(0, 0)])
    plan = [PlannedAction(migrate(built, 0, 1, "live", BECAUSE), parents)]
    with pytest.raises(InvalidValue, match=r"actions\[0\]\.parents"):
        verify_plan(built, plan, action_types=ACTION_TYPES)
