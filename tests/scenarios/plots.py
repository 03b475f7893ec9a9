"""The plots of docs/strategies/: ``python -m tests.scenarios.plots`` writes them.

Each shows the hosts (or pools) of one scenario before and after the plan of its strategy.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from vigil.testing import Scenario

SCENARIOS = Path(__file__).parent
FOLDER = Path(__file__).parents[2] / "docs" / "strategies" / "plots"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """What a plot shows.

    Attributes:
        scenario: folder of the strategy's scenario.
        unit: of the bars.
        size: what a server (or volume) adds to its bar.
        note: what stands beside the name of a host; it has no effect on the bars.
        storage: whether the bars are pools with volumes.
    """

    scenario: str
    unit: str = "vCPUs allocated"
    size: Callable[[Record], float] = lambda server: float(server["vcpus"])
    note: Callable[[Record, str], str] = lambda _, __: ""
    storage: bool = False


@dataclass(frozen=True)
class Bar:
    """A host or pool: its name, capacity, parts (name, size) and state."""

    name: str
    capacity: float
    parts: tuple[tuple[str, float], ...] = ()
    state: str = ""


def _cores(server: Record) -> float:
    return float(server["vcpus"] * server.get("cpu_util_pct", 0) / 100)


def _measured(metric: str, text: str, scale: float = 1.0) -> Callable[[Record, str], str]:
    def note(data: Record, host: str) -> str:
        value = data.get("metrics", {}).get(metric, {}).get(host)
        return "" if value is None else text.format(value * scale)

    return note


FIGURES: Mapping[str, Figure] = {
    "actuator": Figure("the_listed_actions_are_the_plan"),
    "basic": Figure("the_least_loaded_host_is_emptied_into_the_most_loaded"),
    "dummy_with_resize": Figure("a_full_destination_gets_what_fits"),
    "host_maintenance": Figure("servers_spread_over_the_hosts_with_the_most_room"),
    "node_resource_consolidation": Figure("the_strategy_chooses_the_destinations_if_so_specified"),
    "noisy_neighbor": Figure("the_noisy_neighbour_goes_where_least_cache_is_used"),
    "outlet_temperature": Figure(
        "each_warm_host_gives_one_and_each_cool_one_takes_one",
        "cores in use",
        _cores,
        _measured("host_outlet_temp", "{:g} °C"),
    ),
    "saving_energy": Figure(
        "the_hosts_that_take_most_power_are_switched_off", note=_measured("host_power", "{:g} W")
    ),
    "storage_capacity_balance": Figure(
        "detached_volumes_leave_before_those_in_use",
        "GB used",
        lambda volume: float(volume["size_gb"]),
        storage=True,
    ),
    "uniform_airflow": Figure(
        "all_servers_leave_a_host_that_is_presumed_faulty",
        "cores in use",
        _cores,
        _measured("host_airflow", "{:g} CFM", 0.1),
    ),
    "vm_workload_consolidation": Figure("small_hosts_are_emptied_into_the_big_one"),
    "workload_balance": Figure("the_whole_way_to_balance_is_one_plan", "cores in use", _cores),
    "workload_stabilization": Figure(
        "servers_move_until_the_spread_is_below_its_threshold", "cores in use", _cores
    ),
    "zone_migration": Figure("servers_leave_for_hosts_outside_the_zone"),
}


def render(strategy: str) -> str:
    """The plot of a strategy as SVG; the same text each time."""
    figure = FIGURES[strategy]
    scenario = Scenario(SCENARIOS / strategy / figure.scenario)
    data = json.loads((scenario.folder / "cluster.json").read_text("utf-8"))
    before = _pools(data, figure) if figure.storage else _hosts(data, figure)
    after = {key: replace(bar) for key, bar in before.items()}
    records = [*data["instances"], *data.get("storage", {}).get("volumes", ())]
    names = {one["id"]: one["name"] for one in records}
    for action in scenario.run().actions():
        _apply(action, names, after)
    return _drawn(strategy, figure, list(before.values()), list(after.values()))


# -- the two states --------------------------------------------------------------------------------


def _hosts(data: Record, figure: Figure) -> dict[str, Bar]:
    """Hosts by name."""
    found = {}
    for host in data["hosts"]:
        inside = [one for one in data["instances"] if one["host"] in {host["id"], host["name"]}]
        parts = tuple((one["name"], figure.size(one)) for one in inside)
        note = figure.note(data, host["id"])
        label = f"{host['name']}  {note}" if note else host["name"]
        capacity = host["vcpus"] * host.get("cpu_ratio", 1.0)
        state = "disabled" if host.get("status") == "disabled" else ""
        found[host["name"]] = Bar(label, capacity, parts, state)
    return found


def _pools(data: Record, figure: Figure) -> dict[str, Bar]:
    """Pools by name; what is used besides the volumes of the scenario is a part of its own."""
    storage, found = data["storage"], {}
    for pool in storage["pools"]:
        inside = [one for one in storage["volumes"] if one["pool"] == pool["name"]]
        parts = [(one["name"], figure.size(one)) for one in inside]
        rest = pool["total_gb"] - pool["free_gb"] - sum(size for _, size in parts)
        parts = [("others", rest), *parts] if rest > 0 else parts
        label = pool["name"].partition("#")[2]
        found[pool["name"]] = Bar(label, pool["total_gb"], tuple(parts))
    return found


def _apply(action: Record, names: Mapping[str, str], bars: dict[str, Bar]) -> None:
    given = action["input_parameters"]
    match action["action_type"]:
        case "migrate" | "volume_migrate":
            _move(bars, names[given["resource_id"]], given["destination_node"])
        case "change_nova_service_state":
            name = given["resource_name"]
            state = "disabled" if given["state"] == "disabled" else ""
            bars[name] = replace(bars[name], state=state)
        case "change_node_power_state":
            name = given["resource_name"]
            bars[name] = replace(bars[name], state=f"switched {given['state']}")


def _move(bars: dict[str, Bar], moved: str, destination: str) -> None:
    for name, bar in bars.items():
        for part in bar.parts:
            if part[0] == moved:
                bars[name] = replace(bar, parts=tuple(one for one in bar.parts if one != part))
                there = bars[destination]
                bars[destination] = replace(there, parts=(*there.parts, part))
                return


# -- the drawing -----------------------------------------------------------------------------------

WIDTH, ROW, TOP, LABEL, BAR = 720, 34, 52, 110, 225
COLOURS = ("#4477aa", "#ee6677", "#228833", "#aa7700", "#336688", "#aa3377", "#666666", "#994455")
"""Dark enough for white text, and distinct for colour-blind readers."""
_STYLE = 'font-family="sans-serif" font-size="12" role="img"'


def _drawn(strategy: str, figure: Figure, before: Sequence[Bar], after: Sequence[Bar]) -> str:
    names = sorted({name for bar in before for name, _ in bar.parts})
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    height = TOP + ROW * len(before) + 12
    title = f"{strategy}: {figure.scenario.replace('_', ' ')}"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_STYLE}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *_panel(0, f"before: {figure.unit}", before, colours),
        *_panel(WIDTH // 2, f"after: {figure.unit}", after, colours),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _panel(left: int, title: str, bars: Sequence[Bar], colours: Mapping[str, str]) -> Iterator[str]:
    most = max(bar.capacity for bar in bars)
    yield f'<text x="{left + LABEL}" y="24" font-weight="bold">{escape(title)}</text>'
    for place, bar in enumerate(bars):
        yield from _row(left, TOP + ROW * place, bar, BAR / most, colours)


def _row(left: int, top: int, bar: Bar, scale: float, colours: Mapping[str, str]) -> Iterator[str]:
    middle, start, height = top + 11, left + LABEL, ROW - 12
    yield f'<text x="{start - 8}" y="{middle + 4}" text-anchor="end">{escape(bar.name)}</text>'
    yield (
        f'<rect x="{start}" y="{top}" width="{bar.capacity * scale:.1f}" height="{height}" '
        'fill="#f2f2f2" stroke="#999999"/>'
    )
    at = float(start)
    for name, size in bar.parts:
        width = size * scale
        yield (
            f'<rect x="{at:.1f}" y="{top}" width="{width:.1f}" height="{height}" '
            f'fill="{colours[name]}" stroke="#ffffff">'
            f"<title>{escape(name)}: {size:g}</title></rect>"
        )
        if width > 7 * len(name):
            yield (
                f'<text x="{at + width / 2:.1f}" y="{middle + 4}" text-anchor="middle" '
                f'fill="#ffffff">{escape(name)}</text>'
            )
        at += width
    if bar.state:
        yield (
            f'<text x="{at + 6:.1f}" y="{middle + 4}" fill="#333333" font-style="italic">'
            f"{escape(bar.state)}</text>"
        )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for strategy in FIGURES:
        (FOLDER / f"{strategy}.svg").write_text(render(strategy), encoding="utf-8")
