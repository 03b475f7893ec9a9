"""Options that plug-ins declare: their types, sources, errors, and the way to other processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from domain.kernel.errors import InvalidValue
from domain.kernel.options import option
from infrastructure.plugins import GROUPS, PluginOptions, Registry, with_plugins
from infrastructure.settings import SettingsError, load
from infrastructure.settings.pages import in_force
from tests.unit.plugins.samples import Calm, Cooling
from tests.world.plugins import distribution


@dataclass(frozen=True)
class Everything:
    calm: bool = option(default=True, help="Whether.")
    hosts: int = option(3, "How many hosts.", least=1, most=9)
    degrees: float = option(21.5, "Temperature, C.")
    mode: str = option("slow", "How.", choices=("slow", "fast"))
    note: str | None = option(None, "Any text.", secret=True)
    zones: tuple[str, ...] = option((), "Names of zones.")
    weights: Mapping[str, int] = option(lambda: {"a": 1, "b": 2}, "By name.", least=0)


class Elaborate(Calm):
    name = "acme.elaborate"
    options = Everything


@dataclass(frozen=True)
class Rules:
    low: int = option(1, "Lower limit.")
    high: int = option(2, "Upper limit.")

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise InvalidValue("low", f"must be at most high, not {self.low}")


class Ruled(Cooling):
    name = "acme.ruled"
    goal = "dummy"
    planner = "acme.elaborate"
    options = Rules


HERE = __name__
ENTRIES = {
    "vigil.goals": {"dummy": "domain.optimization.goals:DUMMY"},
    "vigil.planners": {"acme.elaborate": f"{HERE}:Elaborate"},
    "vigil.strategies": {"acme.ruled": f"{HERE}:Ruled"},
}
SECTION = "watcher_planners.acme.elaborate"


def registry() -> Registry:
    assert set(ENTRIES) <= set(GROUPS.values())
    return Registry(
        [
            EntryPoint(key, value, group)
            for group, named in ENTRIES.items()
            for key, value in named.items()
        ]
    )


def chosen(kind: str = "planner", name: str = "acme.elaborate", **sources: Any) -> Any:
    sources = {"files": [], **sources}
    return PluginOptions(registry(), load(**sources).settings.sources).of(kind)[name]


def test_options_that_are_not_set_have_their_defaults() -> None:
    assert chosen() == Everything()


def test_each_type_is_read_from_text() -> None:
    texts = {
        "calm": "false",
        "hosts": "7",
        "degrees": "-3.5",
        "mode": "FAST",
        "note": "be quiet",
        "zones": "a, b,",
        "weights": "b:5,c:0",
    }
    assert chosen(flags={f"{SECTION}.{name}": text for name, text in texts.items()}) == Everything(
        calm=False,
        hosts=7,
        degrees=-3.5,
        mode="fast",
        note="be quiet",
        zones=("a", "b"),
        weights={"a": 1, "b": 5, "c": 0},
    )


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "vigil.conf"
    file.write_text(f"[{SECTION}]\nhosts = 4\ndegrees = 4\nmode = fast\n")
    environ = {
        "VIGIL_PLANNERS_ACME_ELABORATE_HOSTS": "5",
        "VIGIL_PLANNERS_ACME_ELABORATE_DEGREES": "5",
    }
    flags = {f"{SECTION}.hosts": "6"}
    found = chosen(files=[file], environ=environ, flags=flags)
    assert (found.hosts, found.degrees, found.mode) == (6, 5.0, "fast")


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("hosts", "10", "must be a whole number from 1 to 9, which '10' is not"),
        ("degrees", "warm", "must be a number, which 'warm' is not"),
        ("mode", "medium", "must be one of slow, fast"),
        ("calm", "perhaps", "must be true or false"),
        ("weights", "a", "must be name:number pairs"),
    ],
)
def test_a_bad_value_names_group_option_source_and_rule(name: str, text: str, rule: str) -> None:
    with pytest.raises(SettingsError) as caught:
        chosen(flags={f"{SECTION}.{name}": text})
    assert str(caught.value).startswith(f"[{SECTION}] {name} (command line): {rule}")


def test_a_rule_between_options_names_the_group() -> None:
    with pytest.raises(SettingsError, match=r"\[watcher_strategies.acme.ruled\] low: must be at"):
        chosen("strategy", "acme.ruled", flags={"watcher_strategies.acme.ruled.low": "3"})


def test_another_process_gets_the_same_options() -> None:
    environ = {"VIGIL_PLANNERS_ACME_ELABORATE_DEGREES": "5", "HOME": "/"}
    loaded = load(flags={f"{SECTION}.hosts": "6"}, environ=environ, files=[])
    handed_on = loaded.environment()
    assert "HOME" not in handed_on
    assert chosen(environ=handed_on) == Everything(hosts=6, degrees=5.0)


def test_every_strategy_has_an_order_of_datasources(tmp_path: Path) -> None:
    file = tmp_path / "vigil.conf"
    file.write_text("[watcher_strategies.acme.ruled]\ndatasources = gnocchi, grafana\n")
    options = PluginOptions(registry(), load(files=[file]).settings.sources)
    assert options.datasource_orders() == {"acme.ruled": ("gnocchi", "grafana")}
    assert options.of("strategy") == {"acme.ruled": Rules()}
    none = PluginOptions(registry(), load(files=[]).settings.sources)
    assert none.datasource_orders() == {}


def test_a_datasource_of_a_plug_in_can_be_ordered_and_an_unknown_one_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {"watcher_datasources.datasources": "acme.thermometer,gnocchi"}
    with pytest.raises(SettingsError, match=r"datasources .*: must be some of gnocchi, grafana"):
        load(flags=flags, files=[])
    entry = {"vigil.datasources": {"acme.thermometer": "acme:Thermometer"}}
    monkeypatch.syspath_prepend(distribution(tmp_path, "acme", entry))
    found = load(flags=flags, files=[]).settings.metrics.datasources
    assert found == ("acme.thermometer", "gnocchi")


def test_the_configuration_shows_options_of_plug_ins_and_unknown_names(
    tmp_path: Path,
) -> None:
    file = tmp_path / "vigil.conf"
    file.write_text(
        f"[{SECTION}]\nhosts = 4\nnote = hush-hush\nhots = 5\n[watcher_strategies.gone]\nx = 1\n"
    )
    lines = list(in_force(with_plugins(load(files=[file]), registry())))
    assert f"hosts = 4  # {file}" in lines
    assert "degrees = 21.5  # default" in lines
    assert not any("hush-hush" in line for line in lines)
    assert lines[-2:] == [
        f"# ignored: [{SECTION}] hots in {file} is not an option of Vigil",
        f"# ignored: [watcher_strategies.gone] x in {file} is not an option of Vigil",
    ]
