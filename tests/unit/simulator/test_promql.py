from collections.abc import Callable

import pytest

from infrastructure.simulator.core.clock import Anchor, SimulatedClock
from infrastructure.simulator.core.generate import generate
from infrastructure.simulator.core.model import Cluster
from infrastructure.simulator.core.timeline import Timeline
from infrastructure.simulator.prometheus.promql import (
    BadQuery,
    Evaluator,
    SeriesCatalogue,
    Vector,
    parse,
)
from infrastructure.simulator.prometheus.promql.syntax import (
    Aggregation,
    Binary,
    Matcher,
    Negation,
    NumberLiteral,
    Selector,
    Subquery,
)

HOUR = 3600.0
IDLE = "node_cpu_seconds_total{mode='idle'}"
HOST_USE = f"100 - (avg by (fqdn)(rate({IDLE}[300s])) * 100)"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return generate(6, 40, 7, SimulatedClock(1.0, Anchor(1_000_000.0, 0.0)))


@pytest.fixture
def timeline(cluster: Cluster) -> Timeline:
    timeline = Timeline(cluster.hosts, cluster.servers)
    timeline.start({one.id: one.host if one.running else None for one in cluster.servers})
    return timeline


@pytest.fixture
def ask(cluster: Cluster, timeline: Timeline) -> Callable[..., dict[str, float]]:
    def ask(text: str, at: float = HOUR, label: str = "fqdn") -> dict[str, float]:
        catalogue = SeriesCatalogue(cluster.hosts, cluster.servers, timeline)
        value = Evaluator(catalogue, at, at).value(parse(text))
        assert isinstance(value, Vector)
        names = [labels.get(label, "") for labels in value.labels]
        return dict(zip(names, value.values.tolist(), strict=True))

    return ask


Ask = Callable[..., dict[str, float]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "1 + 2 * 3",
            Binary("+", NumberLiteral(1), Binary("*", NumberLiteral(2), NumberLiteral(3))),
        ),
        (
            "(1 + 2) * 3",
            Binary("*", Binary("+", NumberLiteral(1), NumberLiteral(2)), NumberLiteral(3)),
        ),
        (
            "1 - 2 - 3",
            Binary("-", Binary("-", NumberLiteral(1), NumberLiteral(2)), NumberLiteral(3)),
        ),
        (
            "2 ^ 3 ^ 2",
            Binary("^", NumberLiteral(2), Binary("^", NumberLiteral(3), NumberLiteral(2))),
        ),
        ("-2 ^ 2", Negation(Binary("^", NumberLiteral(2), NumberLiteral(2)))),
        (
            "a > 1 or b",
            Binary("or", Binary(">", Selector("a", ()), NumberLiteral(1)), Selector("b", ())),
        ),
        ("10e+8", NumberLiteral(1e9)),
        ("up[5m]", Selector("up", (), 300.0)),
        ("up[5m:1m]", Subquery(Selector("up", ()), 300.0, 60.0)),
        ("up offset 1h", Selector("up", (), None, 3600.0)),
        ("{fqdn!~`a|b`}", Selector("", (Matcher("fqdn", "!~", "a|b"),))),
        ("sum by (a, b) (up)", Aggregation("sum", ("a", "b"), False, Selector("up", ()))),
        ("sum(up) without (a)", Aggregation("sum", ("a",), True, Selector("up", ()))),
        ("a + on (x) b", Binary("+", Selector("a", ()), Selector("b", ()), ("x",))),
    ],
)
def test_an_expression_is_read_with_its_precedence(text: str, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "1 +", "up{", "up{a}", "up[5]", "rate(up", "a and b", "sum by a (up)", "up ~ 1", "1 2"],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(BadQuery, match="parse error"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("histogram_quantile(up)", "unknown function"),
        ("rate(up)", "expected type range vector"),
        ("up[5m]", "needs a function"),
        ("1 > 2", "BOOL"),
        ("avg(1)", "expected type instant vector"),
        ("clamp_max(up)", "2 argument"),
        ("up{fqdn=~'('}", "invalid regular expression"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(ask: Ask, text: str, complaint: str) -> None:
    with pytest.raises(BadQuery, match=complaint):
        ask(text)


def test_a_hosts_use_is_the_sum_of_its_servers_and_its_base_load(
    ask: Ask, cluster: Cluster
) -> None:
    used = ask(HOST_USE)
    cores = ask("max by (resource) (rate(ceilometer_cpu[300s])) / 1e9", label="resource")
    for host in cluster.hosts:
        if not host.alive:
            assert host.name not in used
            continue
        on_it = [one for one in cluster.servers if one.host == host.name and one.running]
        expected = sum(cores[one.id] for one in on_it) + host.base_cores
        assert used[host.name] == pytest.approx(100 * expected / host.vcpus, rel=1e-6)


def test_stopped_servers_have_no_samples(ask: Ask, cluster: Cluster) -> None:
    seen = ask("ceilometer_memory_usage", label="resource")
    assert {one.id for one in cluster.servers if one.running} == set(seen)
    assert len(seen) < len(cluster.servers)


def test_use_follows_a_migration(ask: Ask, cluster: Cluster, timeline: Timeline) -> None:
    mover = max((s for s in cluster.servers if s.running), key=lambda s: s.load.cores)
    target = next(h for h in cluster.hosts if h.alive and h.name != mover.host)
    before = ask(HOST_USE)
    timeline.place(HOUR, mover.id, target.name)
    after = ask(HOST_USE, HOUR + 900)
    assert after[mover.host] < before[mover.host]
    assert after[target.name] > before[target.name]


def test_the_same_seed_and_time_give_the_same_answer(ask: Ask) -> None:
    assert ask(HOST_USE) == ask(HOST_USE)
    assert ask(HOST_USE) != ask(HOST_USE, 2 * HOUR)


def test_memory_in_use_is_total_less_available(ask: Ask, cluster: Cluster) -> None:
    used = ask(
        "(node_memory_MemTotal_bytes - avg_over_time(node_memory_MemAvailable_bytes[300s])) / 1024"
    )
    for host in cluster.hosts:
        if host.alive:
            assert host.base_ram_mb * 1024 <= used[host.name] <= host.ram_mb * 1024


def test_matchers_select_series(ask: Ask, cluster: Cluster) -> None:
    one, two = [host.name for host in cluster.hosts if host.alive][:2]
    assert set(ask(f'up{{fqdn=~"{one}|{two}"}}')) == {one, two}
    assert one not in ask(f'up{{fqdn!="{one}"}}')


def test_a_subquery_finds_the_peak_of_a_rate(ask: Ask) -> None:
    inner = "max by (resource) (rate(ceilometer_cpu[60s]))"
    peak = ask(f"max_over_time(({inner})[600s:60s])", label="resource")
    low = ask(f"min_over_time(({inner})[600s:60s])", label="resource")
    mean = ask("max by (resource) (rate(ceilometer_cpu[600s]))", label="resource")
    assert all(low[one] <= mean[one] <= peak[one] for one in mean)


def test_a_subquery_tells_the_time_of_each_of_its_steps(ask: Ask) -> None:
    """Each step took place in 1970: what asked since when there are samples was told never."""
    up = ask("up")
    assert ask("max_over_time(timestamp(up)[600s:60s])") == dict.fromkeys(up, HOUR)
    assert ask("min_over_time(timestamp(up)[600s:60s])") == dict.fromkeys(up, HOUR - 600)
    assert ask("min_over_time((up * time())[600s:60s])") == dict.fromkeys(up, HOUR - 600)


def test_clamping_and_comparing(ask: Ask) -> None:
    assert set(ask("clamp_max(up, 0.5)").values()) == {0.5}
    assert ask("up > 1") == {}
    assert len(ask("up == 1")) == len(ask("up"))


def test_or_takes_the_right_vector_where_the_left_one_has_nothing(ask: Ask) -> None:
    use = ask("up * 2")
    some = min(use)
    chosen = ask(f'up{{fqdn="{some}"}} * 3 or up * 2')
    assert chosen == {**use, some: 3.0}
