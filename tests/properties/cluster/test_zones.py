"""Migration out of any zone of any cluster: legal at every prefix, explained truly."""

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from application.kernel.typed_values import typed
from domain.cluster.compute.model import ComputeModel
from domain.cluster.storage.model import StorageModel
from domain.cluster.storage.records import (
    Attachment,
    PoolRow,
    StorageNodeRow,
    VolumeRow,
    VolumeTypeRow,
)
from domain.optimization.algorithms.draining import SERVER_CANNOT_LEAVE
from domain.optimization.context import StrategyContext
from domain.optimization.goals import validate_indicators
from domain.optimization.solution import Solution
from domain.plans.verification import verify_plan
from tests.properties.cluster import generate
from tests.properties.cluster.audits import flights, is_json, verifier
from tests.properties.cluster.test_maintenance import migrations
from tests.properties.cluster.volumes import why_volume_stays
from tests.world.optimization import weigh
from tests.world.plugins import ACTION_TYPES, GOALS, STRATEGIES

SEEDS = st.integers(min_value=0, max_value=2**32)
ZONE = STRATEGIES["zone_migration"]
TYPES = {"gold": "b0", "silver": "b1", "bronze": None}


def storage(rng: Random, model: ComputeModel) -> StorageModel:
    """Backends in some states, pools of small or unknown capacity, volumes of every kind."""
    nodes = [
        StorageNodeRow(
            f"stor@b{number % 2}{number}",
            zone=rng.choice(("", "", "az1")),
            state="up" if rng.random() < 0.9 else "down",
            status="enabled" if rng.random() < 0.9 else "disabled",
        )
        for number in range(rng.randint(2, 4))
    ]
    pools = [
        PoolRow(
            f"{node.host}#p",
            backend_name=f"b{number % 2}",
            total_gb=100,
            free_gb=rng.choice((None, "infinite", 5, 50, 90, 90)),
            allocated_gb=rng.choice((0, 10, 50, 95)),
            thin=rng.random() < 0.5,
            oversubscription=rng.choice((1.0, 2.0)),
        )
        for number, node in enumerate(nodes)
    ]
    attached = ("available", "available", "available", "in-use", "error")
    volumes = []
    for number in range(rng.randrange(20)):
        status = rng.choice(attached)
        count = rng.choice((1, 1, 2)) if status == "in-use" and len(model.servers) else 0
        servers = [rng.choice([*model.servers.id, "elsewhere"]) for _ in range(count)]
        volumes.append(
            VolumeRow(
                f"v{number}",
                pool=rng.choice(pools).name,
                size_gb=rng.randint(1, 9),
                status=status,
                volume_type=rng.choice([*TYPES, "", ""]),
                attachments=tuple(Attachment(one) for one in servers),
                snapshots=rng.choice((0,) * 7 + (1,)),
                migration_status=rng.choice(("", "", "", "", "success", "migrating")),
                zone=rng.choice(("", "", "", "az1", "az2")),
            )
        )
    kinds = [VolumeTypeRow(name, name, backend) for name, backend in TYPES.items()]
    found, _ = StorageModel.build(nodes, pools, volumes, kinds)
    return found


def audit(rng: Random) -> StrategyContext[Any]:
    """An audit of a random zone with random limits."""
    model = generate.cluster(rng)
    volumes = storage(rng, model)
    names, pools = model.hosts.name, volumes.pools.name
    zone = rng.sample(names, k=min(len(names), rng.randint(1, 3)))
    nodes = [{"src_node": one} for one in zone]
    for one in nodes:
        if rng.random() < 0.3:
            one["dst_node"] = rng.choice(names)
    entries = []
    for pool in rng.sample(pools, k=rng.randint(0, 2)):
        entry = {"src_pool": pool}
        if rng.random() < 0.3:
            entry["src_type"] = rng.choice(list(TYPES))
        if rng.random() < 0.5:
            entry["dst_pool"] = rng.choice(pools)
        else:
            entry["dst_type"] = rng.choice(list(TYPES))
        entries.append(entry)
    parameters = {
        "compute_nodes": nodes,
        "storage_pools": entries,
        "parallel_total": rng.choice((0, 2, 6, 30)),
        "parallel_per_node": rng.choice((1, 2, 30)),
        "parallel_per_pool": rng.choice((1, 2, 30)),
        "priority": rng.choice(({}, {"compute": "mem_size"}, {"project": ["p2"]})),
        "with_attached_volume": rng.random() < 0.5,
    }
    return StrategyContext(
        parameters=typed(parameters, ZONE.parameters),
        compute=model,
        storage=volumes,
        placement=generate.policy(rng, model),
        moves=flights(rng, model),
    )


def check_limits(found: StrategyContext[Any], solution: Solution) -> None:
    given = found.parameters
    assert len(solution.actions) <= given.parallel_total
    volumes: Any = found.storage
    sources: Counter[str] = Counter()
    for action in solution.actions:
        if action.type == "migrate":
            sources[str(action.parameters["source_node"])] += 1
        else:
            place = volumes.volumes.pool[volumes.volume_places[action.resource_id]]
            sources[volumes.pools.name[int(place)]] += 1
    for name, count in sources.items():
        of_host = name in found.compute.hosts.name
        assert count <= (given.parallel_per_node if of_host else given.parallel_per_pool)


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_a_plan_for_a_zone_is_legal_within_its_limits_and_leads_out_of_it(seed: int) -> None:
    found, again = audit(Random(seed)), audit(Random(seed))
    model, solution = found.compute, ZONE.solve(found)
    assert solution == ZONE.solve(again)
    assert found.alternatives.kept == again.alternatives.kept
    validate_indicators(GOALS["hardware_maintenance"], solution.indicators)
    check_limits(found, solution)
    planned = weigh(solution, model, found.placement)
    storage = found.storage
    assert (
        verify_plan(
            model, planned, None, found.placement, action_types=ACTION_TYPES, storage=storage
        )
        == []
    )
    ids = [action.resource_id for action in solution.actions]
    assert len(ids) == len(set(ids))
    zone = set(found.parameters.hosts())
    for action in solution.actions:
        assert is_json(action.because.facts)
        assert "<" not in str(action.because)
        if action.type == "migrate":
            source = str(action.parameters["source_node"])
            assert source in zone
            wanted = found.parameters.destination_of(source)
            destination = action.parameters["destination_node"]
            assert destination == wanted if wanted else destination not in zone


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_each_volume_of_a_plan_may_go_where_it_goes_whatever_goes_first(seed: int) -> None:
    """An independent reading of the rules, with all other volumes of the plan there already."""
    found = audit(Random(seed))
    solution = ZONE.solve(found)
    incoming: Counter[str] = Counter()
    for action in solution.actions:
        facts: Any = action.because.facts
        if action.type == "volume_migrate" and facts["source"] != facts["destination"]:
            incoming[facts["destination"]] += facts["size"]
    for action in solution.actions:
        facts = action.because.facts
        if action.type != "volume_migrate":
            continue
        pool, kind = facts["destination"], action.parameters.get("destination_type")
        before = incoming[pool] - facts["size"] * (facts["source"] != pool)
        broken = why_volume_stays(found, action.resource_id, pool, before, kind)
        if facts["source"] == pool:  # a retype in its pool, which needs no room there
            broken -= {"own", "disabled", "zone", "full"}
        assert broken == set()


@settings(max_examples=200, deadline=None)
@given(seed=SEEDS)
def test_what_stays_in_a_zone_stays_for_the_reasons_that_are_stated(seed: int) -> None:
    found = audit(Random(seed))
    model, solution = found.compute, ZONE.solve(found)
    checker = verifier(found, migrations(solution))
    names = found.parameters.hosts()
    for rejection in found.alternatives.kept:
        facts: Any = rejection.because.facts
        if rejection.because.reason != SERVER_CANNOT_LEAVE or "refused" not in facts:
            continue
        server = model.server_places[rejection.subject.id]  # type: ignore[union-attr]
        here = int(model.servers.host[server])
        others = [place for place in range(len(model.hosts)) if place != here]
        broken = {place: checker.broken(server, place) for place in others}
        counts = Counter(rule for rules in broken.values() for rule in rules)
        assert facts["refused"] == dict(counts)
        free = [place for place in others if not broken[place]]
        assert all(model.hosts.name[place] in names for place in free)
        assert facts["unwanted"] == ({"in the zone": len(free)} if free else {})


def test_random_zones_do_need_migration() -> None:
    """The control: most of the tests above would hold of plans without actions."""
    kinds: Counter[str] = Counter()
    stays = 0
    for seed in range(200):
        found = audit(Random(seed))
        for action in ZONE.solve(found).actions:
            kinds[f"{action.type} {action.parameters['migration_type']}"] += 1
        stays += sum("refused" in one.because.facts for one in found.alternatives.kept)
    assert kinds["migrate live"] > 50
    assert kinds["volume_migrate migrate"] > 20
    assert kinds["volume_migrate retype"] > 20
    assert stays > 50
