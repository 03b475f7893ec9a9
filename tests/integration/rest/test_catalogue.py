"""Goals, strategies, scoring engines and services."""

import json

import pytest

from application.commands.catalogue import definitions
from tests.world.api import DUMMY_SPEC, GOALS, SCORERS, STRATEGIES, ApiWorld, refused
from tests.world.plugins import REGISTRY

SUMMARY_OF_A_GOAL = {"uuid", "name", "display_name", "efficacy_specification", "links"}
SUMMARY_OF_A_STRATEGY = {"uuid", "name", "display_name", "goal_uuid", "goal_name", "links"}
STAMPS = {"created_at", "updated_at", "deleted_at"}


class TestGoals:
    def test_a_summary_has_exactly_its_keys(self, used_api: ApiWorld) -> None:
        goals = used_api.get("/v1/goals")["goals"]
        assert [goal["name"] for goal in goals] == sorted(GOALS)
        assert {frozenset(goal) for goal in goals} == {frozenset(SUMMARY_OF_A_GOAL)}

    def test_a_detail_has_exactly_its_keys(self, used_api: ApiWorld) -> None:
        goals = used_api.get("/v1/goals/detail")["goals"]
        assert {frozenset(goal) for goal in goals} == {frozenset(SUMMARY_OF_A_GOAL | STAMPS)}
        goal = goals[0]
        assert used_api.get(f"/v1/goals/{goal['uuid']}") == goal
        assert goal["created_at"].endswith("+00:00")
        assert goal["updated_at"] is None
        assert goal["deleted_at"] is None

    def test_the_schema_of_an_indicator_is_text(self, used_api: ApiWorld) -> None:
        [indicator] = used_api.get("/v1/goals/dummy")["efficacy_specification"]
        assert set(indicator) == {"name", "description", "unit", "schema"}
        assert json.loads(indicator["schema"]) == {"type": "integer"}

    @pytest.mark.parametrize("spelled", ["dummy", "DUMMY", "Dummy"])
    def test_names_are_found_without_regard_to_case(self, used_api: ApiWorld, spelled: str) -> None:
        assert used_api.get(f"/v1/goals/{spelled}")["name"] == "dummy"

    @pytest.mark.parametrize(
        "ident", ["nosuch", "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072", "999999", "a%00b", "9" * 30]
    )
    def test_an_unknown_goal_is_not_found(self, used_api: ApiWorld, ident: str) -> None:
        assert "could not be found" in refused(used_api.ask("GET", f"/v1/goals/{ident}"), 404)


class TestStrategies:
    def test_a_summary_has_exactly_its_keys(self, used_api: ApiWorld) -> None:
        strategies = used_api.get("/v1/strategies")["strategies"]
        assert [one["name"] for one in strategies] == sorted(STRATEGIES)
        assert {frozenset(one) for one in strategies} == {frozenset(SUMMARY_OF_A_STRATEGY)}

    def test_a_detail_adds_the_parameters_and_no_times(self, used_api: ApiWorld) -> None:
        strategies = used_api.get("/v1/strategies/detail")["strategies"]
        keys = SUMMARY_OF_A_STRATEGY | {"parameters_spec"}
        assert {frozenset(one) for one in strategies} == {frozenset(keys)}
        assert used_api.get("/v1/strategies/dummy")["parameters_spec"] == DUMMY_SPEC
        assert used_api.get("/v1/strategies/basic")["parameters_spec"] == {}

    def test_a_strategy_names_its_goal(self, used_api: ApiWorld) -> None:
        strategy = used_api.get("/v1/strategies/basic")
        goal = used_api.get("/v1/goals/server_consolidation")
        assert (strategy["goal_uuid"], strategy["goal_name"]) == (goal["uuid"], goal["name"])

    @pytest.mark.parametrize("by", ["uuid", "name"])
    def test_the_list_can_be_filtered_by_goal(self, used_api: ApiWorld, by: str) -> None:
        goal = used_api.get("/v1/goals/dummy")[by]
        found = used_api.get(f"/v1/strategies/?goal={goal}")["strategies"]
        assert [one["name"] for one in found] == ["dummy", "dummy_with_scorer"]

    def test_the_state_has_four_rows(self, used_api: ApiWorld) -> None:
        assert used_api.get("/v1/strategies/basic/state") == [
            {
                "type": "Datasource",
                "state": "prometheus: available",
                "mandatory": True,
                "comment": "",
            },
            {
                "type": "Metrics",
                "state": [{"host_cpu_usage": "available"}, {"instance_cpu_usage": "not available"}],
                "mandatory": False,
                "comment": "",
            },
            {
                "type": "CDM",
                "state": [
                    {"compute_model": "available"},
                    {"storage_model": "not available"},
                    {"baremetal_model": "not available"},
                ],
                "mandatory": True,
                "comment": "",
            },
            {"type": "Name", "state": "basic", "mandatory": "", "comment": ""},
        ]

    def test_the_state_says_that_a_run_needs_no_datasource_if_none_is_configured(
        self, used_api: ApiWorld
    ) -> None:
        row = used_api.get("/v1/strategies/actuator/state")[0]
        assert row == {
            "type": "Datasource",
            "state": "none: not available",
            "mandatory": False,
            "comment": "No datasource is configured: runs use allocations only.",
        }

    def test_the_state_of_one_without_a_datasource_says_so(self, used_api: ApiWorld) -> None:
        uuid = used_api.get("/v1/strategies/dummy")["uuid"]
        rows = used_api.get(f"/v1/strategies/{uuid}/state")
        assert "datasource" in rows[0]["state"]
        assert rows[1]["state"] == []
        assert rows[3]["state"] == "dummy"

    def test_the_state_takes_no_parameters_and_needs_a_strategy(self, used_api: ApiWorld) -> None:
        refused(used_api.ask("GET", "/v1/strategies/basic/state?x=1"), 400)
        refused(used_api.ask("GET", "/v1/strategies/nosuch/state"), 404)


class TestScoringEngines:
    def test_those_of_the_contract_are_installed(self, api: ApiWorld) -> None:
        """The list was empty: nothing registered an engine."""
        engines = REGISTRY.scoring_engines.values()
        done = api.install(definitions(REGISTRY.optimizers, (), engines))
        api.settle(done.position)
        found = api.get("/v1/scoring_engines/detail")["scoring_engines"]
        assert {one["name"]: one["description"] for one in found} == {
            "dummy_scorer": "Dummy workload classifier",
            "dummy_min_scorer": "Minimum value",
            "dummy_max_scorer": "Maximum value",
            "dummy_avg_scorer": "Average value",
        }
        (classifier,) = (one for one in found if one["name"] == "dummy_scorer")
        assert "feature_columns" in json.loads(classifier["metainfo"])
        assert "dummy_avg_scorer" not in classifier["metainfo"]

    def test_views_have_exactly_their_keys(self, used_api: ApiWorld) -> None:
        engines = used_api.get("/v1/scoring_engines")["scoring_engines"]
        assert {one["name"] for one in engines} == set(SCORERS)
        assert {frozenset(one) for one in engines} == {
            frozenset({"uuid", "name", "description", "links"})
        }
        engine = used_api.get("/v1/scoring_engines/dummy_scorer")
        assert set(engine) == {"uuid", "name", "description", "links", "metainfo"}
        assert "dummy_avg_scorer" not in engine["metainfo"]
        assert used_api.get("/v1/scoring_engines/detail?limit=1")["scoring_engines"]

    def test_an_unknown_engine_is_not_found(self, used_api: ApiWorld) -> None:
        refused(used_api.ask("GET", "/v1/scoring_engines/nosuch"), 404)


class TestServices:
    def test_views_have_exactly_their_keys(self, api: ApiWorld) -> None:
        api.worker("watcher-decision-engine", "ctl-1")
        api.worker("watcher-applier", "ctl-1")
        [first, second] = api.get("/v1/services")["services"]
        assert set(first) == {"id", "name", "host", "status", "links"}
        assert isinstance(first["id"], int)
        assert first["links"][0]["href"].endswith(f"/v1/services/{first['id']}")
        assert {first["name"], second["name"]} == {"watcher-decision-engine", "watcher-applier"}
        detail = api.get(f"/v1/services/{first['id']}")
        assert set(detail) == set(first) | {"last_seen_up", *STAMPS}
        assert "+" not in detail["last_seen_up"]
        assert "." not in detail["last_seen_up"]
        assert detail["created_at"].endswith("+00:00")

    def test_of_a_name_on_several_hosts_the_first_one_is_shown(self, api: ApiWorld) -> None:
        for host in ("ctl-1", "ctl-2"):
            api.worker("watcher-applier", host)
        assert api.get("/v1/services/watcher-applier")["host"] == "ctl-1"

    @pytest.mark.parametrize(
        "ident", ["nosuch", "99", "2f6c91d8-07be-4a53-b1e9-c84f3d5a6072", "9" * 5000]
    )
    def test_an_unknown_service_is_not_found(self, used_api: ApiWorld, ident: str) -> None:
        """A number of more digits than Python likes to read was answered with a 500."""
        used_api.worker()
        refused(used_api.ask("GET", f"/v1/services/{ident}"), 404)

    def test_pages_are_marked_by_number(self, api: ApiWorld) -> None:
        for host in ("c", "a", "b"):
            api.worker("watcher-applier", host)
        page = api.get("/v1/services/detail?limit=2&sort_key=host&sort_dir=desc")
        assert [one["host"] for one in page["services"]] == ["c", "b"]
        marker = page["services"][-1]["id"]
        assert page["next"].endswith(
            f"/v1/services/detail?sort_key=host&sort_dir=desc&limit=2&marker={marker}"
        )
        following = api.get(page["next"].partition("falconframework.org")[2])
        assert [one["host"] for one in following["services"]] == ["a"]
        refused(api.ask("GET", "/v1/services?marker=x"), 400)
        refused(api.ask("GET", "/v1/services?marker=99"), 404)
