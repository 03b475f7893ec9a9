"""The examples in the docstrings of the contracts are plug-ins that keep them."""

import inspect
import textwrap
from dataclasses import dataclass
from types import ModuleType
from typing import Any, ClassVar

import vigil.plugins
from domain.optimization import planner, strategy
from infrastructure.openstack.actions import base
from vigil.plugins import Planner, Strategy
from vigil.testing import (
    HandlerConformance,
    PlannerConformance,
    SimulatedCloud,
    StrategyConformance,
)


def example(module: ModuleType) -> dict[str, Any]:
    """What the code in a module's docstring defines."""
    text = (inspect.getdoc(module) or "").partition("::\n")[2]
    names = {name: getattr(vigil.plugins, name) for name in vigil.plugins.__all__}
    known = {**names, "dataclass": dataclass, "__name__": module.__name__}
    exec(textwrap.dedent(text), known)  # noqa: S102 - our own text
    return known


class TestStrategy(StrategyConformance):
    strategy: ClassVar[type[Strategy[Any]]] = example(strategy)["Hottest"]


class TestPlanner(PlannerConformance):
    planner: ClassVar[type[Planner[Any]]] = example(planner)["OneByOne"]


class TestHandler(HandlerConformance):
    handler: ClassVar[type[base.Handler]] = example(base)["Unlock"]

    def parameters(self, cloud: SimulatedCloud) -> dict[str, object]:
        server = next(one["id"] for one in cloud.servers() if not one["locked"])
        cloud.clouds.compute.send_once("POST", f"/servers/{server}/action", {"lock": None})
        return {"resource_id": server}
