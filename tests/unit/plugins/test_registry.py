"""What the registry loads, what it leaves out, and why."""

import logging
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from infrastructure.plugins import GROUPS, Plugin, Registry
from infrastructure.plugins.entry_points import installed
from tests.world.plugins import distribution

SAMPLES = "tests.unit.plugins.samples"
WORKING = {
    "goal": ("acme.cool", "goal"),
    "planner": ("acme.calm", "Calm"),
    "strategy": ("acme.cooling", "Cooling"),
    "action": ("acme.fan", "fan"),
    "action handler": ("acme.fan", "FanHandler"),
    "scoring engine": ("acme.mean", "Mean"),
    "scoring engine container": ("acme.engines", "Extremes"),
    "datasource": ("acme.thermometer", "Thermometer"),
}
"""Kind → name of the entry point and what it names."""


def entry(kind: str, name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value if ":" in value else f"{SAMPLES}:{value}", GROUPS[kind])


def entries(**changed: str) -> list[EntryPoint]:
    """The working samples; of a kind another sample can be used."""
    changes = {kind.replace("_", " "): value for kind, value in changed.items()}
    return [entry(kind, name, changes.get(kind, value)) for kind, (name, value) in WORKING.items()]


def problems(found: Iterable[Plugin]) -> dict[str, str]:
    return {f"{one.kind} {one.name}": one.problem for one in found if one.problem}


def test_every_plug_in_of_the_product_works() -> None:
    found = Registry().plugins()
    assert problems(found) == {}
    assert {one.kind for one in found} == set(GROUPS)
    assert {str(one.origin).split()[0] for one in found} == {"vigil-optimizer"}


def test_plug_ins_that_keep_their_contract_are_loaded() -> None:
    registry = Registry(entries())
    assert problems(registry.plugins()) == {}
    found = registry.optimizers
    assert found.goals["acme.cool"].display_name == "Cooler hosts"
    assert found.strategies["acme.cooling"].planner == "acme.calm"
    assert list(found.planners) == ["acme.calm"]
    assert list(found.action_types) == list(registry.handlers) == ["acme.fan"]
    assert list(registry.scoring_engines["acme.mean"].score([1.0, 3.0])) == [2.0]
    assert list(registry.scoring_engines) == ["acme.max", "acme.mean", "acme.min"]
    assert list(registry.datasources) == ["acme.thermometer"]


@pytest.mark.parametrize(
    ("kind", "sample", "rule"),
    [
        ("goal", "goal_without_title", "display_name: must be a text"),
        ("goal", "goal_with_doubled_indicator", "indicator cooled is doubled"),
        ("goal", "goal_with_wrong_ratio", "r is a ratio of hosts, which is no indicator"),
        ("goal", "goal_as_text", "must be a Goal, which 'acme.cool' is not"),
        ("strategy", "Renamed", "name: must be that of the entry point (acme.cooling)"),
        ("strategy", "WithoutTitle", "display_name: must be a text"),
        ("strategy", "Aimless", "goal: must be an installed goal, which 'acme.nothing' is not"),
        ("strategy", "Unplanned", "planner: must be an installed planner"),
        ("strategy", "Undecided", "must be a concrete subclass of Strategy"),
        ("strategy", "Calm", "must be a concrete subclass of Strategy"),
        ("strategy", "WithoutDefault", "parameters: every field must have a valid default"),
        ("strategy", "Untyped", "parameters: must be a dataclass"),
        ("strategy", "WithoutSchema", "parameters_schema: must be a JSON Schema (draft 4)"),
        ("strategy", "OtherFields", "they differ in degrees, kelvin"),
        ("strategy", "OtherDefault", "parameters_schema: must have the defaults of parameters"),
        ("strategy", "TextDefault", "parameters_schema: default of degrees"),
        ("strategy", "Needless", "requirements: must be Requirements, which () is not"),
        ("strategy", "Failing", "its own code fails: KeyError: 'degrees'"),
        ("strategy", "Absent", "import: AttributeError"),
        ("strategy", "tests.no_such_module:Cooling", "import: ModuleNotFoundError"),
        ("planner", "planner", "must be a concrete subclass of Planner"),
        ("planner", "Optionless", "options: must be a dataclass"),
        ("planner", "Undocumented", "options: degrees: must be declared with option()"),
        ("planner", "Untypable", "options: when: an option cannot have the type"),
        ("action", "fan_without_text", "description: must be a text"),
        ("action", "fan_without_resource", "schema: must have the property resource_id"),
        ("action", "fan_without_schema", "schema: must be a JSON Schema (draft 4)"),
        ("action", "fan_with_wrong_weight", "weight: must be a whole number, at least 0"),
        ("action", "fan_with_wrong_parallelization", "parallelization: must be a whole number"),
        ("action", "fan_with_other_kind", "resource: must be a ResourceKind"),
        ("action", "fan_with_other_check", "checked: must be callable"),
        ("action", "FanHandler", "must be an ActionType"),
        ("action handler", "BlindHandler", "observe: must be a method"),
        ("action handler", "StrangeHandler", "acme.fan is not installed, or is another one"),
        ("action handler", "UndeclaredHandler", "declaration: must be an ActionType"),
        ("action handler", "fan", "must be a concrete class"),
        ("scoring engine", "Mute", "description: must be a text"),
        ("scoring engine", "Calm", "must be a concrete subclass of ScoringEngine"),
        ("scoring engine container", "Mean", "must be a concrete subclass of ScoringEngineContai"),
        ("scoring engine container", "Doubling", "engines: acme.max is doubled"),
        ("scoring engine container", "Taking", "engines: acme.mean is installed otherwise"),
        ("scoring engine container", "Misnaming", "engines: Max: name: must be at most"),
        ("scoring engine container", "Muting", "engines: acme.mute: description: must be a text"),
        ("scoring engine container", "Numbering", "engines: must be a ScoringEngine, which 3 is"),
        ("scoring engine container", "Raising", "its own code fails: KeyError: 'engines'"),
        ("datasource", "Sealed", "open: must be a method"),
        ("datasource", "goal", "must be a concrete class"),
    ],
)
def test_a_plug_in_that_breaks_its_contract_is_left_out_and_says_why(
    kind: str, sample: str, rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(entries(**{kind.replace(" ", "_"): sample}))
    found = registry.plugins()
    name = WORKING[kind][0]
    assert rule in problems(found)[f"{kind} {name}"]
    logged = [one.getMessage() for one in caplog.records if f"{kind} {name} of" in one.getMessage()]
    assert len(logged) == 1
    assert rule in logged[0]
    assert rule in str(registry.problem(kind, name))
    registry.plugins()
    assert len([one for one in caplog.records if logged[0] == one.getMessage()]) == 1


def test_a_broken_plug_in_leaves_those_alone_that_do_not_need_it() -> None:
    """A strategy needs its goal and its planner, a handler its action."""
    found = Registry([*entries(goal="goal_as_text"), *installed(GROUPS.values())])
    broken = problems(found.plugins())
    assert set(broken) == {"goal acme.cool", "strategy acme.cooling"}
    assert broken["strategy acme.cooling"].startswith("goal: must be an installed goal")
    assert "vm_workload_consolidation" in found.optimizers.strategies
    assert "acme.calm" in found.optimizers.planners


@pytest.mark.parametrize("text", ["raise SystemExit(3)", "assert False, 'no'", "import no_such"])
def test_a_module_that_ends_the_process_or_fails_an_assertion_stops_nothing_else(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme_ending.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    ending = entry("strategy", "acme.ending", "acme_ending:Ending")
    registry = Registry([ending, *entries()])
    assert set(registry.optimizers.strategies) == {"acme.cooling"}
    assert "import: " in str(registry.problem("strategy", "acme.ending"))


@pytest.mark.parametrize("name", ["Cooling", "1st", "with space", "a" * 64, "ümlaut", "a-b"])
def test_a_name_that_no_option_or_request_could_have_is_refused(name: str) -> None:
    found = Registry([entry("goal", name, "goal")]).plugins()
    assert "lower-case letters, digits, _ and ." in str(found[0].problem)


def test_of_doubled_names_the_products_own_wins_then_the_first_distribution(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"dummy": "domain.optimization.goals:DUMMY"}
    acme = {"acme.cool": f"{SAMPLES}:goal"}
    distribution(tmp_path, "acme-b", {"vigil.goals": acme})
    distribution(tmp_path, "acme-a", {"vigil.goals": {**acme, **own}}, version="2.5")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry()
    rows = [(one.name, str(one.origin), one.problem) for one in registry.plugins() if one.problem]
    assert rows == [
        (
            "acme.cool",
            "acme-b 1.0",
            "name: acme-a 2.5 has a plug-in of this kind with the same name",
        ),
        (
            "dummy",
            "acme-a 2.5",
            "name: vigil-optimizer 0.1.0 has a plug-in of this kind with the same name",
        ),
    ]
    assert {"acme.cool", "dummy"} <= set(registry.optimizers.goals)


def test_the_traceback_of_a_failed_import_is_logged_at_debug_level_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for level, shown in ((logging.INFO, False), (logging.DEBUG, True)):
        caplog.clear()
        with caplog.at_level(level, "infrastructure.plugins.registry"):
            Registry(entries(strategy="Failing")).plugins()
        (record,) = caplog.records
        assert (record.exc_info is not None) is shown


def test_an_installation_has_the_scoring_engines_of_the_contract() -> None:
    """`GET /v1/scoring_engines` was empty: no engine was registered."""
    engines = Registry().scoring_engines
    assert {name: one.description for name, one in engines.items()} == {
        "dummy_avg_scorer": "Average value",
        "dummy_max_scorer": "Maximum value",
        "dummy_min_scorer": "Minimum value",
        "dummy_scorer": "Dummy workload classifier",
    }


def test_names_are_listed_without_an_import() -> None:
    registry = Registry([entry("strategy", "acme.absent", "tests.no_such_module:X")])
    assert registry.names("strategy") == ["acme.absent"]
