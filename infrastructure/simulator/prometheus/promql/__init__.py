"""A small, honest PromQL: what it does not know it refuses by name, as Prometheus would."""

from infrastructure.simulator.prometheus.promql.evaluate import Evaluator, Vector
from infrastructure.simulator.prometheus.promql.parser import parse
from infrastructure.simulator.prometheus.promql.series import SeriesCatalogue
from infrastructure.simulator.prometheus.promql.syntax import BadQuery

__all__ = ["BadQuery", "Evaluator", "SeriesCatalogue", "Vector", "parse"]
