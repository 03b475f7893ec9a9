"""The strategies on a real Nova, from an audit by the unmodified client to the moved servers."""

import pytest

from tests.cloud.simulator.clouds import until
from tests.cloud.strategies.auditing import Auditing
from tests.cloud.strategies.exporter import Measured
from tests.cloud.strategies.zone import Zone, host_of
from tests.conformance.actions.ground import requests_of

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]
SHORT = {"period": 30, "granularity": 15}
"""Seconds; Prometheus has only a few samples."""


def test_basic_empties_hosts_and_disables_them(auditing: Auditing, zone: Zone) -> None:
    with zone.put_back() as own:
        own.append(zone.boot(zone.hosts[0]))
        done = auditing.executed("server_consolidation", "basic", SHORT)
        disabled = [one["resource_name"] for one in done.of("change_nova_service_state")]
        assert disabled
        for host in disabled:
            assert zone.service(host)["status"] == "disabled"
            assert zone.on(host) == []
        for move in done.of("migrate"):
            assert host_of(zone.server(move["resource_id"])) == move["destination_node"]
        released = {one["name"]: one["value"] for one in done.plan["Efficacy indicators"]}
        assert released["released_compute_nodes_count"] == len(disabled)
        assert released["instance_migrations_count"] == len(done.of("migrate"))


@pytest.mark.parametrize("has_backup", [True, False])
def test_a_host_is_emptied_for_its_maintenance(
    auditing: Auditing, zone: Zone, has_backup: bool
) -> None:
    host, backup = zone.hosts[0], zone.hosts[-1]
    with zone.put_back() as own:
        own += [zone.boot(host), zone.boot(host)]
        zone.act(own[1], {"os-stop": None})
        zone.rests(own[1], "SHUTOFF")
        parameters: dict[str, object] = {"maintenance_node": host}
        if has_backup:
            parameters["backup_node"] = backup
        done = auditing.executed("cluster_maintaining", "host_maintenance", parameters)
        assert zone.on(host) == []
        assert zone.service(host)["disabled_reason"] == "watcher_maintaining"
        moves = {one["resource_id"]: one for one in done.of("migrate")}
        assert moves[own[0]]["migration_type"] == "live"
        assert moves[own[1]]["migration_type"] == "cold"
        assert zone.server(own[1])["status"] == "SHUTOFF"
        if has_backup:
            assert {moves[one]["destination_node"] for one in own} == {backup}


def test_servers_are_stopped_where_no_migration_is_allowed(auditing: Auditing, zone: Zone) -> None:
    host = zone.hosts[0]
    with zone.put_back() as own:
        own.append(zone.boot(host))
        residents = zone.on(host)
        parameters = {
            "maintenance_node": host,
            "disable_live_migration": True,
            "disable_cold_migration": True,
        }
        done = auditing.executed("cluster_maintaining", "host_maintenance", parameters)
        assert {one["resource_id"] for one in done.of("stop")} == set(residents)
        assert done.of("migrate") == []
        assert {zone.server(one)["status"] for one in residents} == {"SHUTOFF"}
        assert sorted(zone.on(host)) == sorted(residents)


def test_running_servers_are_migrated_cold_where_live_is_not_allowed(
    auditing: Auditing, zone: Zone
) -> None:
    host = zone.hosts[0]
    with zone.put_back() as own:
        own.append(zone.boot(host))
        parameters = {"maintenance_node": host, "disable_live_migration": True}
        done = auditing.executed("cluster_maintaining", "host_maintenance", parameters)
        assert {one["migration_type"] for one in done.of("migrate")} == {"cold"}
        assert zone.on(host) == []
        assert zone.server(own[0])["status"] == "ACTIVE"


def test_the_servers_of_a_zone_are_migrated(auditing: Auditing, zone: Zone) -> None:
    source, destination = zone.hosts[0], zone.hosts[-1]
    with zone.put_back() as own:
        own += [zone.boot(source), zone.boot(source)]
        residents = zone.on(source)
        parameters = {"compute_nodes": [{"src_node": source, "dst_node": destination}]}
        done = auditing.executed("hardware_maintenance", "zone_migration", parameters)
        moved = {one["resource_id"] for one in done.of("migrate")}
        assert moved == {one for one in residents if host_of(zone.server(one)) == destination}
        assert set(own) <= moved | set(zone.on(source))
        assert len(moved) == min(2, len(residents))  # parallel_per_node


@pytest.mark.parametrize("strategy", ["workload_balance", "workload_stabilization"])
def test_a_loaded_host_gives_servers_away(
    auditing: Auditing, zone: Zone, metrics: Measured, strategy: str
) -> None:
    host = zone.hosts[0]
    with zone.put_back() as own:
        own += [zone.boot(host) for _ in range(4)]
        servers = {identity: 0.95 if identity in own else 0.01 for identity in zone.servers()}
        hosts = {name: 0.9 if name == host else 0.05 for name in zone.hosts}
        metrics.report(servers, hosts)
        parameters: dict[str, object] = dict(SHORT)
        if strategy == "workload_balance":
            parameters["threshold"] = 8.0
        else:
            thresholds = {"instance_cpu_usage": 0.05}
            periods = {"instance": 30, "compute_node": 30}
            parameters = {"thresholds": thresholds, "periods": periods, "granularity": 15}
        done = auditing.executed("workload_balancing", strategy, parameters)
        moves = done.of("migrate")
        assert moves, done.plan["Status Message"]
        for move in moves:
            assert move["source_node"] == host
            assert host_of(zone.server(move["resource_id"])) == move["destination_node"]
        shown = {one["name"]: one["value"] for one in done.plan["Efficacy indicators"]}
        after = shown["standard_deviation_after_audit"]
        assert after < shown["standard_deviation_before_audit"]


def test_the_actions_of_actuator_are_executed_once(auditing: Auditing, zone: Zone) -> None:
    source, destination = zone.hosts[0], zone.hosts[-1]
    with zone.put_back() as own:
        server = zone.boot(source)
        own.append(server)
        move = {"source_node": source, "destination_node": destination}
        actions = [
            {"action_type": "nop", "input_parameters": {"message": "by hand"}},
            {
                "action_type": "migrate",
                "resource_id": server,
                "input_parameters": {"migration_type": "cold", **move},
            },
        ]
        done = auditing.executed("unclassified", "actuator", {"actions": actions})
        assert [one["Action"] for one in done.actions] == ["nop", "migrate"]
        shown = zone.server(server)
        assert (host_of(shown), shown["status"]) == (destination, "ACTIVE")
        assert len(requests_of(zone.nova, server, "migrate")) == 1
        assert len(requests_of(zone.nova, server, "confirmResize")) == 1


def test_of_a_continuous_audit_one_plan_is_recommended(auditing: Auditing, zone: Zone) -> None:
    client, host = auditing.client, zone.hosts[0]
    with zone.put_back() as own:
        own.append(zone.boot(host))
        parameters = {"maintenance_node": host}
        kind = ("-t", "CONTINUOUS", "-i", "2")
        audit = auditing.create("cluster_maintaining", "host_maintenance", parameters, *kind)
        until(lambda: len(auditing.plans(audit)) >= 3, "three runs have made a plan")
        client("audit", "update", audit, "replace", "state=CANCELLED")
        until(lambda: client.json("audit", "show", audit)["State"] == "CANCELLED", "it ended")
        *earlier, last = auditing.plans(audit)
        assert {one["State"] for one in earlier} == {"CANCELLED"}
        assert last["State"] == "RECOMMENDED"
        assert zone.service(host)["status"] == "enabled"
        client("actionplan", "delete", last["UUID"])
