"""docs/constraints.md says for each rule how it fared. Needs no cloud."""

from pathlib import Path

from domain.cluster.placement.branch import Branch
from domain.cluster.placement.constraints import Constraints
from tests.unit.cluster.build import host, model, server

HERE = Path(__file__).parent


def test_every_rule_has_a_row_and_the_tests_it_names_are_there() -> None:
    text = (HERE.parents[2] / "docs" / "constraints.md").read_text()
    section = text.split("## Against the real scheduler")[1]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")]
    tests = {row[1].strip(): row[-2].replace("`", "").strip() for row in rows[1:]}
    built = model([host(0)], [server(0, 0)])
    assert set(tests) == {"Movable", *Constraints(built).explain(Branch(built), 0).masks}
    for names in tests.values():
        for name in names.split(", "):
            assert name == "none" or "def test_" in (HERE / name).read_text()
