"""Webhooks and the data model."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.audits import Audit
from domain.cluster.scope.reasons import MODEL_EMPTY
from domain.kernel.reasons import Cause
from interfaces.rest.services import RestSettings
from tests.world.api import ApiWorld, refused
from tests.world.world import TEST


def call(api: ApiWorld, ident: str, body: object = ..., **kwargs: Any) -> Any:
    return api.ask("POST", f"/v1/webhooks/{ident}", {} if body is ... else body, **kwargs)


def runs(api: ApiWorld, uuid: str) -> int:
    audit = api.log.find(Audit, UUID(uuid))
    assert audit is not None
    return audit.runs


def finish(api: ApiWorld, uuid: str, *, well: bool) -> None:
    def act(tx: Any, ctx: Any) -> None:
        audit = tx.get(Audit, UUID(uuid))
        epoch = audit.claim_run(ctx, audit.run.id, "engine/1", "ctl-1")
        if well:
            audit.succeed_run(ctx, audit.run.id, epoch, uuid4())
        else:
            audit.fail_run(ctx, audit.run.id, epoch, Cause(MODEL_EMPTY))

    api.settle(api.commands.run(TEST, act).position)


class TestWebhooks:
    @pytest.mark.parametrize("version", ["1.0", "1.7"])
    @pytest.mark.parametrize("body", [{}, [], None, "x", {"any": [1]}])
    def test_a_call_asks_for_a_run(self, api: ApiWorld, body: object, version: str) -> None:
        audit = api.audit(audit_type="EVENT", name="on event")
        result = call(api, "on%20event", body, version=version)
        assert (result.status_code, result.content) == (202, b"")
        assert result.headers["content-length"] == "0"
        assert runs(api, audit["uuid"]) == 1

    def test_a_call_while_a_run_waits_to_start_joins_it(self, api: ApiWorld) -> None:
        uuid = api.audit(audit_type="EVENT")["uuid"]
        for _ in range(3):
            assert call(api, uuid).status_code == 202
        assert runs(api, uuid) == 1

    @pytest.mark.parametrize("well", [True, False])
    def test_an_audit_that_ended_runs_again(self, api: ApiWorld, well: bool) -> None:
        uuid = api.audit(audit_type="EVENT")["uuid"]
        call(api, uuid)
        finish(api, uuid, well=well)
        assert call(api, uuid).status_code == 202
        assert runs(api, uuid) == 2

    @pytest.mark.parametrize("state", ["ONGOING", "CANCELLED", "SUSPENDED"])
    def test_an_audit_that_is_running_or_over_does_not(
        self, used_api: ApiWorld, state: str
    ) -> None:
        uuid = used_api.audit(audit_type="EVENT")["uuid"]
        used_api.put_audit(uuid, state)
        refused(call(used_api, uuid), 400)

    def test_other_audits_have_no_webhook(self, used_api: ApiWorld) -> None:
        refused(call(used_api, used_api.audit()["uuid"]), 400)
        refused(call(used_api, "nosuch"), 404)
        refused(used_api.ask("POST", "/v1/webhooks", {}), 400)

    @pytest.mark.parametrize("body", [b"", b"{", b"x"])
    def test_the_body_must_be_json(self, used_api: ApiWorld, body: bytes) -> None:
        uuid = used_api.audit(audit_type="EVENT")["uuid"]
        refused(used_api.ask("POST", f"/v1/webhooks/{uuid}", raw=body), 400)
        kind = {"Content-Type": "text/plain"}
        refused(used_api.ask("POST", f"/v1/webhooks/{uuid}", raw=b"{}", headers=kind), 415)

    def test_a_deployment_can_open_them(self, tmp_path: Path) -> None:
        nobody = {"X-Roles": "nobody"}
        with ApiWorld(tmp_path, RestSettings(webhooks_auth=False)) as api:
            uuid = api.audit(audit_type="EVENT")["uuid"]
            assert call(api, uuid, headers=nobody).status_code == 202
            refused(api.ask("GET", "/v1/audits", headers=nobody), 403)
            [trail] = [
                one
                for one in api.get(f"/v1/audits/{uuid}/events")["events"]
                if one["type"] == "audit.run-requested"
            ]
            assert trail["actor"] == "webhook"


NODE = {
    "node_uuid": "a3d70f58-1c94-4e2b-b6a7-0d85e9f4c213",
    "node_hostname": "cmp-1",
    "node_status": "enabled",
    "node_disabled_reason": None,
    "node_state": "up",
    "node_memory": 32096,
    "node_memory_mb_reserved": 512,
    "node_disk": 200,
    "node_disk_gb_reserved": 0,
    "node_vcpus": 16,
    "node_vcpu_reserved": 0,
    "node_memory_ratio": 1.5,
    "node_vcpu_ratio": 4.0,
    "node_disk_ratio": 1.0,
}
SERVER = {
    "server_uuid": "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072",
    "server_name": "vm-1",
    "server_state": "active",
    "server_memory": 512,
    "server_disk": 1,
    "server_vcpus": 1,
    "server_metadata": {},
    "server_project_id": "8a41c0f26d7b4e5993a85f20b7c1de46",
    "server_locked": False,
    "server_watcher_exclude": False,
}
LATER = {"server_pinned_az": "", "server_flavor_extra_specs": {}}


class TestDataModel:
    @pytest.fixture
    def modelled(self, api: ApiWorld) -> ApiWorld:
        api.model.rows = [{**NODE, **SERVER, **LATER, "server_host": "internal"}, NODE]
        return api

    def test_rows_have_exactly_their_keys(self, modelled: ApiWorld) -> None:
        expected = {"context": [{**NODE, **SERVER, **LATER}, NODE]}
        assert modelled.get("/v1/data_model/?data_model_type=compute") == expected
        assert modelled.get("/v1/data_model") == expected
        before = modelled.get("/v1/data_model", version="1.5")
        assert before == {"context": [{**NODE, **SERVER}, NODE]}

    def test_an_audit_restricts_it(self, modelled: ApiWorld) -> None:
        uuid = uuid4()
        modelled.get(f"/v1/data_model?audit_uuid={uuid}")
        assert modelled.model.asked == [uuid]

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ("data_model_type=storage", 404),
            ("data_model_type=baremetal", 404),
            ("data_model_type=x", 404),
            ("data_model_type=", 404),
            ("audit_uuid=x", 400),
            ("type=compute", 400),
            ("audit=x", 400),
        ],
    )
    def test_other_models_are_not_there(self, used_api: ApiWorld, query: str, status: int) -> None:
        refused(used_api.ask("GET", f"/v1/data_model?{query}"), status)

    def test_it_needs_version_1_3(self, used_api: ApiWorld) -> None:
        for query in ("", "?data_model_type=storage", "?x=1"):
            refused(used_api.ask("GET", f"/v1/data_model{query}", version="1.2"), 406)

    def test_without_a_model_there_is_no_answer(self, api: ApiWorld) -> None:
        assert "model" in refused(api.ask("GET", "/v1/data_model"), 500)
