"""Every command of both command lines against a real server: each does what it says."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.client.cli import Cli, openstack, watcher
from tests.integration.rest.serving import served
from tests.world.api import ApiWorld

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with ApiWorld(tmp_path_factory.mktemp("api")) as opened:
        beating(opened)
        yield opened


def beating(api: ApiWorld) -> None:
    """The workers are alive: services without a heartbeat for a minute are FAILED."""
    api.worker("watcher-decision-engine")
    api.worker("watcher-applier")


@pytest.fixture(scope="module")
def base(api: ApiWorld) -> Iterator[str]:
    with served(api, workers=1) as url:
        yield url


@pytest.fixture(params=[pytest.param(one, marks=pytest.mark.slow) for one in (watcher, openstack)])
def cli(request: pytest.FixtureRequest, base: str) -> Cli:
    make: Callable[[str], Cli] = request.param
    return make(base)


def fresh(name: str) -> str:
    return f"{name} {uuid4()}"


def test_goals_and_strategies(cli: Cli) -> None:
    goals = cli.json("goal", "list")
    assert [one["Name"] for one in goals] == ["dummy", "server_consolidation", "unclassified"]
    assert len(cli.json("goal", "list", "--limit", "2")) == 2
    assert len(cli.json("goal", "list", "--limit", "0")) == 3
    detail = cli.json("goal", "list", "--detail", "--sort-key", "name", "--sort-dir", "desc")
    assert detail[0]["Name"] == "unclassified"
    assert cli.json("goal", "show", "dummy")["UUID"] == goals[0]["UUID"]
    assert "released_compute_nodes_count" in cli("goal", "show", goals[0]["UUID"])

    strategies = cli.json("strategy", "list", "--goal", "dummy", "--limit", "0")
    assert [one["Name"] for one in strategies] == ["dummy", "dummy_with_scorer"]
    assert "para1" in cli("strategy", "show", "dummy")
    assert "prometheus: available" in cli("strategy", "state", "basic")
    by_goal = cli.json("strategy", "list", "--sort-key", "goal_name", "--detail")
    assert by_goal[-1]["Goal"] == "unclassified"


def test_audit_templates(cli: Cli, tmp_path: Path) -> None:
    scope = tmp_path / "scope.yaml"
    scope.write_text("- compute:\n  - availability_zones:\n    - name: az1\n")
    name = fresh("template")
    made = cli.json(
        *("audittemplate", "create", name, "dummy", "-s", "dummy", "-d", "words"),
        *("--scope", str(scope)),
    )
    assert made["Name"] == name
    assert made["Strategy"] == "dummy"
    assert "az1" in str(made["Audit Scope"])
    uuid = made["UUID"]
    listed = cli.json("audittemplate", "list", "--goal", "dummy", "--strategy", "dummy")
    assert uuid in {one["UUID"] for one in listed}
    assert "words" in cli("audittemplate", "list", "--detail")
    assert cli.json("audittemplate", "show", name)["UUID"] == uuid
    cli("audittemplate", "update", uuid, "replace", "description=other words")
    assert cli.json("audittemplate", "show", uuid)["Description"] == "other words"
    assert "already exists" in cli.fails("audittemplate", "create", name, "dummy")
    cli("audittemplate", "delete", name)
    assert "404" in cli.fails("audittemplate", "show", uuid)


@pytest.mark.parametrize("make", [watcher, pytest.param(openstack, marks=pytest.mark.slow)])
def test_default_parameters_of_a_template(base: str, make: Callable[..., Cli]) -> None:
    cli = make(base, "1.7")
    name = fresh("defaults")
    cli("audittemplate", "create", name, "dummy", "-s", "dummy", "-p", "para1=4.4")
    assert "4.4" in str(cli.json("audit", "create", "-a", name)["Parameters"])


def test_openstack_optimize_drives_an_audit(base: str) -> None:
    """The short form of what the slow tests do with every command."""
    cli = openstack(base)
    name = fresh("audit")
    assert cli.json("audit", "create", "-g", "dummy", "--name", name)["State"] == "PENDING"
    cli("audit", "update", name, "replace", "state=CANCELLED")
    cli("audit", "delete", name)


def test_audits(cli: Cli) -> None:
    name = fresh("audit")
    made = cli.json(
        *("audit", "create", "-g", "dummy", "-s", "dummy", "-p", "para1=5.5"),
        *("--name", name, "--auto-trigger", "--force"),
    )
    uuid = made["UUID"]
    assert (made["Name"], made["State"], made["Audit Type"]) == (name, "PENDING", "ONESHOT")
    assert str(made["Auto Trigger"]) == "True"
    assert str(made["Force"]) == "True"
    assert "5.5" in str(made["Parameters"])
    assert uuid in {one["UUID"] for one in cli.json("audit", "list", "--goal", "dummy")}
    cli("audit", "list", "--detail", "--sort-key", "Strategy")
    cli("audit", "list", "--limit", "1", "--sort-key", "name", "--sort-dir", "desc")
    assert cli.json("audit", "show", name)["UUID"] == uuid
    assert "Couldn't delete when state is" in cli.fails("audit", "delete", uuid)
    cli("audit", "update", uuid, "add", "interval=2")
    assert str(cli.json("audit", "show", uuid)["Interval"]) == "2"
    cli("audit", "update", uuid, "replace", "auto_trigger=false")
    cli("audit", "update", uuid, "replace", "state=CANCELLED")
    assert cli.json("audit", "show", uuid)["State"] == "CANCELLED"
    refusal = cli.fails("audit", "update", uuid, "replace", "state=ONGOING")
    assert "State transition not allowed" in refusal
    cli("audit", "update", uuid, "replace", "end_time=2026-12-01 10:00:00")
    cli("audit", "delete", uuid)
    assert "could not be found" in cli.fails("audit", "show", uuid)


def test_continuous_audits(cli: Cli) -> None:
    made = cli.json(
        *("audit", "create", "-g", "dummy", "-t", "CONTINUOUS", "-i", "*/5 * * * *"),
        *("--start-time", "2026-12-01 10:00:00", "--end-time", "2026-12-02 10:00:00"),
    )
    assert made["Interval"] == "*/5 * * * *"
    assert made["Audit Type"] == "CONTINUOUS"
    assert "interval" in cli.fails("audit", "create", "-g", "dummy", "-t", "CONTINUOUS")


def test_action_plans(cli: Cli, api: ApiWorld) -> None:
    plan = api.plan()
    uuid = plan["uuid"]
    listed = cli.json("actionplan", "list", "--audit", plan["audit_uuid"])
    assert [one["UUID"] for one in listed] == [uuid]
    assert "33.25" in cli("actionplan", "list")
    cli("actionplan", "list", "--detail", "--limit", "0")
    shown = cli.json("actionplan", "show", uuid)
    assert (shown["State"], shown["Strategy"]) == ("RECOMMENDED", "basic")
    cli("actionplan", "start", uuid)
    assert cli.json("actionplan", "show", uuid)["State"] == "PENDING"
    assert "State transition not allowed" in cli.fails("actionplan", "start", uuid)
    assert "Couldn't delete when state is" in cli.fails("actionplan", "delete", uuid)
    cli("actionplan", "cancel", uuid)
    assert cli.json("actionplan", "show", uuid)["State"] == "CANCELLED"
    cli("actionplan", "delete", uuid)
    assert "404" in cli.fails("actionplan", "show", uuid)

    running = api.plan(state="ONGOING")["uuid"]
    cli("actionplan", "cancel", running)
    assert cli.json("actionplan", "show", running)["State"] == "CANCELLING"

    updated = api.plan()["uuid"]
    cli("actionplan", "update", updated, "replace", "state=PENDING")
    assert cli.json("actionplan", "show", updated)["State"] == "PENDING"


def test_actions(cli: Cli, api: ApiWorld) -> None:
    plan = api.plan()
    [first, second] = cli.json("action", "list", "--action-plan", plan["uuid"])
    by_audit = cli.json("action", "list", "--audit", plan["audit_uuid"])
    assert [one["UUID"] for one in by_audit] == [first["UUID"], second["UUID"]]
    cli("action", "list", "--detail", "--sort-key", "state")
    shown = cli.json("action", "show", first["UUID"])
    assert shown["State"] == "PENDING"
    assert "cmp-2" in str(shown["Parameters"])
    cli("action", "update", first["UUID"], "--state", "SKIPPED", "--reason", "maintenance")
    skipped = cli.json("action", "show", first["UUID"])
    assert skipped["State"] == "SKIPPED"
    assert "Action skipped by user. Reason: maintenance" in str(skipped.values())
    cli("action", "update", first["UUID"], "--reason", "other")
    started = api.plan(state="ONGOING")
    late: Any = api.actions(started["uuid"])[0]["uuid"]
    assert "409" in cli.fails("action", "update", late, "--state", "SKIPPED")


def test_services_scoring_engines_and_the_data_model(cli: Cli, api: ApiWorld) -> None:
    beating(api)
    services = cli.json("service", "list")
    assert {one["Name"] for one in services} == {"watcher-decision-engine", "watcher-applier"}
    assert {one["Status"] for one in services} == {"ACTIVE"}
    cli("service", "list", "--detail")
    shown = cli.json("service", "show", "watcher-applier")
    assert shown["Host"] == "ctl-1"
    assert cli.json("service", "show", str(shown["ID"]))["Name"] == "watcher-applier"

    engines = cli.json("scoringengine", "list")
    assert "dummy_scorer" in {one["Name"] for one in engines}
    cli("scoringengine", "list", "--detail")
    assert cli.json("scoringengine", "show", "dummy_scorer")["Name"] == "dummy_scorer"

    assert "vm-1" in cli("datamodel", "list")
    assert "cmp-1" in cli("datamodel", "list", "--detail")
    cli("datamodel", "list", "--type", "compute", "--audit", str(uuid4()))
    cli.fails("datamodel", "list", "--type", "storage")


def test_errors_are_told_with_status_and_request(cli: Cli) -> None:
    said = cli.fails("goal", "show", "nosuch")
    assert "could not be found" in said
    assert "HTTP 404" in said
    assert "req-" in said


@pytest.mark.parametrize("make", [watcher, pytest.param(openstack, marks=pytest.mark.slow)])
@pytest.mark.parametrize("version", ["1.0", "1.7"])
def test_a_version_can_be_asked_for(base: str, make: Callable[..., Cli], version: str) -> None:
    assert make(base, version).json("goal", "list")


def test_a_version_that_is_not_there_is_told_with_the_range(base: str) -> None:
    said = watcher(base, "1.9").fails("goal", "list")
    assert "1.0" in said
    assert "1.7" in said
