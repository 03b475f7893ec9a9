"""What is true of the small cloud that every datasource is asked about, at any time."""

from collections.abc import Callable, Iterator, Mapping

from domain.cluster.compute.model import ComputeModel
from domain.cluster.compute.records import HostRow, ServerRow
from domain.metrics import catalogue as m

STEP = 60
"""Seconds between two samples of a gauge."""
BEFORE, AFTER = 4200, 900
"""The data reach from so long before the start to so long after it, s."""
HOST_MB = 1024
SERVER_MB = 512
VCPUS = 2

Value = Callable[[float], float | None]
"""Seconds since the start (negative: before it) → value in the metric's unit; None: no sample."""


def _always(value: float) -> Value:
    return lambda _: value


def _stopped(value: float) -> Value:
    """It was measured until half an hour before the start."""
    return lambda at: value if at < -1800 else None


def _wave(at: float) -> float:
    """20 until a quarter of an hour before the start, 60 since."""
    return 20.0 if at < -900 else 60.0


HOSTS = (
    "busy.example",
    "quiet.example",
    "half.example",
    "wave.example",
    "stopped.example",
    "silent.example",
)
SERVERS = {
    name: f"5e4f0000-0000-4000-8000-{place:012d}"
    for place, name in enumerate(("full", "idle", "some", "wave", "stopped", "silent"))
}
"""Name → id."""
UNFIT = 512 * 1024**3
"""Bytes, where KiB or MB are expected."""

TRUTH: Mapping[str, Mapping[str, Value]] = {
    m.HOST_CPU_USAGE: {
        "busy.example": _always(90.0),
        "quiet.example": _always(0.0),
        "half.example": _always(40.0),
        "wave.example": _wave,
        "stopped.example": _stopped(50.0),
    },
    m.HOST_RAM_USAGE: {
        "busy.example": _always(900.0 * 1024),
        "quiet.example": _always(0.0),
        "half.example": _always(float(UNFIT)),
        "wave.example": lambda at: _wave(at) * 1024,
        "stopped.example": _stopped(1024.0),
    },
    m.INSTANCE_CPU_USAGE: {
        SERVERS["full"]: _always(100.0),
        SERVERS["idle"]: _always(0.0),
        SERVERS["some"]: _always(30.0),
        SERVERS["wave"]: _wave,
        SERVERS["stopped"]: _stopped(50.0),
    },
    m.INSTANCE_RAM_USAGE: {
        SERVERS["full"]: _always(512.0),
        SERVERS["idle"]: _always(0.0),
        SERVERS["some"]: _always(float(UNFIT)),
        SERVERS["wave"]: _wave,
        SERVERS["stopped"]: _stopped(100.0),
    },
}
"""Metric → host name or server id → its value. What is not named was never measured."""


MEASURED_WRONG = {m.HOST_RAM_USAGE: "half.example", m.INSTANCE_RAM_USAGE: SERVERS["some"]}
"""Metric → whose value is in a wrong unit."""


def need(name: str, aggregate: str = "mean", period: float = 600.0) -> m.MetricNeed:
    """A need for a metric, in samples of five minutes."""
    return m.MetricNeed(
        name, "host" if name.startswith("host_") else "server", aggregate, period, 300.0
    )


def host_rows() -> list[HostRow]:
    """The cloud's hosts."""
    return [HostRow(f"id-{name}", name, vcpus=8, memory_mb=HOST_MB) for name in HOSTS]


def model() -> ComputeModel:
    """The cloud as collected."""
    servers = [
        ServerRow(identity, name=name, host=HOSTS[0], vcpus=VCPUS, memory_mb=SERVER_MB)
        for name, identity in SERVERS.items()
    ]
    built, problems = ComputeModel.build(host_rows(), servers)
    assert not problems
    return built


def many_servers(count: int) -> ComputeModel:
    """A host with many servers; the first of them are those of the small cloud."""
    servers = [
        ServerRow(f"5e4f0000-0000-4000-8000-{place:012d}", host="h", vcpus=2, memory_mb=512)
        for place in range(count)
    ]
    built, problems = ComputeModel.build([HostRow("h-id", "h", vcpus=8, memory_mb=1024)], servers)
    assert not problems
    return built


def samples(metric: str, resource: str, step: int = STEP) -> list[tuple[int, float]]:
    """Seconds since the start and value of each sample of a gauge."""
    value = TRUTH[metric][resource]
    told = ((at, value(at)) for at in range(-BEFORE, AFTER + 1, step))
    return [(at, number) for at, number in told if number is not None]


def aggregated(wanted: m.MetricNeed, resource: str) -> float | None:
    """What a need asks for at the start; None without a sample in the period."""
    within = [value for at, value in samples(wanted.name, resource) if -wanted.period <= at <= 0]
    if not within:
        return None
    extreme = {"max": max, "min": min}.get(wanted.aggregate)
    return extreme(within) if extreme else sum(within) / len(within)


def counter(metric: str, resource: str, rate: float, step: int = STEP) -> list[tuple[int, float]]:
    """As ``samples`` of a counter that grows by rate times value each second."""
    total, counted = 1000.0, []
    for at, number in samples(metric, resource, step):
        counted.append((at, total))
        total += rate * number * step
    return counted


MOVED = {"full": 80.0, "some": 50.0, "idle": 30.0, "wave": 80.0}
"""Server name → CPU use, %, by the counters of ``moved``."""


def moved() -> Iterator[tuple[str, str, list[tuple[int, float]]]]:
    """Server id, labels and samples of counters that do not tell of the whole hour before.

    ``full`` moved half an hour before: each host counts on its own. So did ``wave``, whose old host
    goes on telling what it last counted. ``some`` was made ten minutes before. ``idle`` was always
    there, and two agents tell of it.
    """

    def counted(name: str, begin: int, end: int) -> list[tuple[int, float]]:
        per_second = MOVED[name] / 100 * VCPUS * 1e9
        return [(at, (at - begin) * per_second) for at in range(begin, end + 1, STEP)]

    old, new = counted("full", -BEFORE, -1800), counted("full", -1740, AFTER)
    yield SERVERS["full"], 'host="a"', old
    yield SERVERS["full"], 'host="b"', new
    last = old[-1][1]
    yield SERVERS["wave"], 'host="a"', [*old, *((at, last) for at, _ in new)]
    yield SERVERS["wave"], 'host="b"', new
    yield SERVERS["some"], 'host="a"', counted("some", -600, AFTER)
    for agent in ("x", "y"):
        yield SERVERS["idle"], f'host="a",agent="{agent}"', counted("idle", -BEFORE, AFTER)


YOUNG = {"busy.example": 90.0, "quiet.example": 0.0, "half.example": 40.0, "wave.example": 10.0}
"""Host → CPU use, %, by the counters of ``young_hosts``."""


def young_hosts() -> Iterator[tuple[str, str, list[tuple[int, float]]]]:
    """Host, mode and samples of the counters of each of its cores.

    ``busy`` and ``quiet`` exist for ten minutes, ``half`` was always there. ``wave`` was away for
    half an hour, and counts anew since ten minutes before the start.
    """
    spans = {
        "busy.example": [(-600, AFTER)],
        "quiet.example": [(-600, AFTER)],
        "half.example": [(-BEFORE, AFTER)],
        "wave.example": [(-BEFORE, -2400), (-600, AFTER)],
    }
    for host, used in YOUNG.items():
        for mode, share in (("user", used / 100), ("idle", 1 - used / 100)):
            yield (
                host,
                mode,
                [
                    (at, (at - begin) * share + STEP)
                    for begin, end in spans[host]
                    for at in range(begin, end + 1, STEP)
                ],
            )
