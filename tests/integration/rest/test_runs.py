"""`/v1/runs`: a recorded decision is repeated at a request."""

from uuid import uuid4

from tests.world.api import ApiWorld
from tests.world.decisions import decision_record, publish
from tests.world.plugins import STRATEGIES


def test_a_run_is_verified(used_api: ApiWorld) -> None:
    content = decision_record(STRATEGIES["vm_workload_consolidation"])
    plan = publish(used_api.log, used_api.records, content, f"verified {uuid4()}")
    assert plan is not None
    used_api.settle(used_api.log.end())
    found = used_api.get(f"/v1/runs/{plan.run_id}/verification")
    assert (found["outcome"], found["actions"]) == ("identical", len(plan.actions))
    assert found["action_plan_uuid"] == str(plan.id)
    assert used_api.records.get(found["explanation"])


def test_a_run_that_does_not_exist_is_not_found(used_api: ApiWorld) -> None:
    assert used_api.ask("GET", f"/v1/runs/{uuid4()}/verification").status_code == 404
    assert used_api.ask("GET", "/v1/runs/nonsense/verification").status_code == 400
