"""`/v1/runs`: a recorded decision is repeated at a request, as it was or with a change."""

from uuid import UUID, uuid4

from application.replay.runs import proposed
from domain.kernel.ids import return_run_id
from domain.plans import ActionPlan
from tests.world.api import ApiWorld
from tests.world.values import proposal
from tests.world.world import TEST


def test_a_run_is_verified(used_api: ApiWorld) -> None:
    run = used_api.run()
    found = used_api.get(f"/v1/runs/{run}/verification")
    assert (found["run_uuid"], found["outcome"], found["moves"]) == (run, "identical", [])
    plan = used_api.get(f"/v1/action_plans/{found['action_plan_uuid']}/explanation")
    assert found["explanation"] == plan["explanation"]
    assert found["actions"] == len(plan["moves"])


def test_a_run_is_forked_and_nothing_is_stored(used_api: ApiWorld) -> None:
    run = used_api.run()
    before = used_api.log.end()
    path = f"/v1/runs/{run}/whatif"
    same = used_api.ask("POST", path, {}).json
    assert same["moves"] == []
    assert same["fork"] == same["published"]
    found = used_api.ask("POST", path, {"without_hosts": ["b"]}).json
    assert found["published"]["migrations"] == 1
    assert found["fork"]["migrations"] == 0
    assert "lost" in {one["change"] for one in found["moves"]}
    assert used_api.log.end() == before


def test_a_change_that_makes_no_sense_is_refused(used_api: ApiWorld) -> None:
    path = f"/v1/runs/{used_api.run()}/whatif"
    for body, complaint in (
        ({"parameters": {"bogus": 1}}, "bogus"),
        ({"without_rules": ["bans[0]"]}, "the record has 0 bans"),
        ({"rules": {"bans": [{"servers": ["1"]}]}}, "bans[0].hosts"),
        ({"strategy": "outlet_temperature"}, "host_outlet_temp"),
        ({"unknown": 1}, "unknown"),
    ):
        answer = used_api.ask("POST", path, body)
        assert answer.status_code == 400, answer.text
        assert complaint in answer.text


def test_the_run_of_a_return_plan_is_one_too(used_api: ApiWorld) -> None:
    """It was not found: no audit requested it."""
    first = used_api.get(f"/v1/runs/{used_api.run()}/verification")["action_plan_uuid"]
    event = proposed(used_api.log, UUID(first))
    assert event is not None
    run = return_run_id(UUID(first), 1)
    wanted = proposal(event.audit_id, run, (), undoes=UUID(first), record=event.record)
    done = used_api.commands.run(TEST, lambda tx, ctx: tx.add(ActionPlan.propose(ctx, wanted)))
    used_api.settle(done.position)
    found = used_api.get(f"/v1/runs/{run}/verification")
    assert found["run_uuid"] == str(run)


def test_a_run_that_does_not_exist_is_not_found(used_api: ApiWorld) -> None:
    assert used_api.ask("GET", f"/v1/runs/{uuid4()}/verification").status_code == 404
    assert used_api.ask("GET", "/v1/runs/nonsense/verification").status_code == 400
    assert used_api.ask("POST", f"/v1/runs/{uuid4()}/whatif", {}).status_code == 404
