"""Datasources of other distributions: their options, their order, and one that does not open."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.cluster.compute.model import ComputeModel
from infrastructure.datasources.selection import NoDatasource
from infrastructure.openstack.connection import connect
from infrastructure.plugins import GROUPS, Registry
from infrastructure.settings import load
from interfaces.bootstrap.datasources import datasources
from tests.world.plugins import distribution
from vigil.plugins import (
    HOST_INLET_TEMP,
    Datasource,
    DatasourceContext,
    Fetched,
    MetricNeed,
    MetricTable,
    option,
)

NEED = MetricNeed(HOST_INLET_TEMP, "host")
MODEL, _ = ComputeModel.build((), (), (), ())


@dataclass(frozen=True)
class ThermometerOptions:
    room: str = option("cellar", "Room of the thermometer.")


class Readings(NoDatasource):
    """Answers with no values; its name tells the room."""

    def __init__(self, room: str) -> None:
        self.name = room

    def supports(self, needs: Sequence[MetricNeed]) -> dict[str, bool]:
        return {need.name: need.name == HOST_INLET_TEMP for need in needs}

    def fetch(self, needs: Sequence[MetricNeed], model: ComputeModel) -> Fetched:
        return Fetched(MetricTable.from_values(model, {need: {} for need in needs}), (), 1)


class Thermometer(Datasource[ThermometerOptions]):
    name = "acme.thermometer"
    options = ThermometerOptions

    def open(self, context: DatasourceContext[ThermometerOptions]) -> Readings:
        return Readings(context.options.room)


class Broken(Thermometer):
    name = "acme.broken"

    def open(self, context: DatasourceContext[ThermometerOptions]) -> Readings:
        raise KeyError("mercury")


ENTRIES = {
    "acme.thermometer": f"{__name__}:Thermometer",
    "acme.broken": f"{__name__}:Broken",
    "acme.absent": "no_such_module:Absent",
}


def test_a_datasource_that_does_not_work_is_skipped_for_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is in the configuration: the reason is in the problems of each run."""
    monkeypatch.syspath_prepend(distribution(tmp_path, "acme", {GROUPS["datasource"]: ENTRIES}))
    order = "acme.absent,acme.broken,acme.thermometer"
    flags = {
        "watcher_datasources.datasources": order,
        "watcher_datasources.acme.thermometer.room": "attic",
        "watcher_strategies.dummy.datasources": "acme.thermometer",
    }
    settings = load(flags=flags, files=[]).settings
    config = tmp_path / "clouds.yaml"
    config.write_text("clouds: {none: {auth_type: none, auth: {endpoint: http://127.0.0.1:1}}}")
    cloud = connect("none", config)
    found = datasources(settings, cloud, Registry(log_problems=False))
    assert found.name == "acme.absent, acme.broken, attic"
    assert found.of("dummy").name == "attic"
    fetched = found.fetch([NEED], MODEL)
    assert fetched.queries == 1
    assert [str(one) for one in fetched.problems] == [
        "The metrics could not be read: acme.absent: its plug-in does not work",
        "The metrics could not be read: acme.broken: does not open: KeyError: 'mercury'",
    ]
