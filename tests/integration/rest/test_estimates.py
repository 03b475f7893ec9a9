"""How long a plan takes, over REST."""

from uuid import UUID

from domain.plans import ActionPlan
from tests.world.api import ApiWorld


def test_a_plan_says_how_long_it_takes_or_that_it_does_not_know(api: ApiWorld) -> None:
    plan = api.plan()
    path = f"/v1/action_plans/{plan['uuid']}"
    found = api.get(f"{path}/estimate")
    assert (found["state"], found["seconds"]) == ("RECOMMENDED", None)
    assert found["unknown_action_types"] == ["migrate"]  # without sizes, and without a history
    assert found["running_actions"] == []
    assert "seconds" not in api.get(path)


def test_past_actions_make_the_rest_known_and_running_ones_are_listed(api: ApiWorld) -> None:
    past = api.plan(state="SUCCEEDED", actions=3)
    count = len(api.actions(past["uuid"]))
    assert count >= 3
    plan = api.plan(state="ONGOING")
    first = UUID(api.actions(plan["uuid"])[0]["uuid"])
    api.change(
        ActionPlan, UUID(plan["uuid"]), lambda plan, ctx: plan.intend_action(ctx, 1, first, {})
    )
    found = api.get(f"/v1/action_plans/{plan['uuid']}/estimate")
    assert found["observed_actions"] == count
    assert found["seconds"] is not None
    assert [one["uuid"] for one in found["running_actions"]] == [str(first)]
    assert api.get(f"/v1/action_plans/{past['uuid']}/estimate")["seconds"] == 0
