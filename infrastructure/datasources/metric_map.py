"""Operators' own names of metrics, from an optional YAML file."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

from infrastructure.datasources.measures import MEASURES
from infrastructure.datasources.selectors import selector_problem
from infrastructure.datasources.units import RawMetric, convertible, unit_of
from infrastructure.text_files import NotText, read_text

_log = logging.getLogger(__name__)

_PROMQL = frozenset({"prometheus", "aetos"})
"""Datasources whose names of metrics are selectors of PromQL."""
Names = Mapping[str, object]
"""Metric name → its name in the datasource, or a map of ``name`` and ``unit``; for Grafana: a map
that describes the query."""


def metric_map(path: Path, datasources: Collection[str]) -> Mapping[str, Names]:
    """Datasource → metric → name. Empty if there is no file.

    Invalid entries are ignored and logged: a wrong map must not stop the service.

    Args:
        path: of the file.
        datasources: names of the installed ones.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        return {}
    except (OSError, NotText) as error:
        _log.warning("metric map %s cannot be read, the default names apply: %s", path, error)
        return {}
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        _log.warning("metric map %s is not YAML, the default names apply: %s", path, reason)
        return {}
    if document is not None and not isinstance(document, dict):
        _log.warning("metric map %s is not a map, the default names apply", path)
    entries = document if isinstance(document, dict) else {}
    return {
        str(name): _known(path, datasources, str(name), names) for name, names in entries.items()
    }


def _known(path: Path, datasources: Collection[str], datasource: str, names: object) -> Names:
    if datasource not in datasources or not isinstance(names, dict):
        _log.warning("metric map %s: %s is not a datasource with a map", path, datasource)
        return {}
    known = {}
    for metric, name in names.items():
        problem = _problem(datasource, metric, name)
        if problem is None:
            known[metric] = name
        else:
            _log.error(
                "[watcher_decision_engine] metric_map_path: %s: %s of %s is ignored: %s",
                *(path, metric, datasource, problem),
            )
    return known


def _problem(datasource: str, metric: object, entry: object) -> str | None:
    """Why an entry is ignored, None if it is valid."""
    if metric not in MEASURES:
        return "there is no such metric"
    if datasource == "grafana":
        return None if _is_panel(entry) else "it must be a map that describes the query"
    if not _is_named(entry):
        return "it must be a name, or a map of name and unit"
    name = entry["name"] if isinstance(entry, dict) else entry
    return selector_problem(str(name)) if datasource in _PROMQL else None


def _is_panel(entry: object) -> bool:
    return isinstance(entry, dict)


def _is_named(entry: object) -> bool:
    if not isinstance(entry, dict):
        return isinstance(entry, str)
    return isinstance(entry.get("name"), str) and entry.keys() <= {"name", "unit"}


def overridden(
    raw: Mapping[str, RawMetric], names: Names, datasource: str
) -> Mapping[str, RawMetric]:
    """The raw metrics of a datasource, with the operator's names and units.

    A name without a unit has the unit that it ends with, if any, otherwise that of the default
    metric. An entry with a unit of another kind is ignored and logged.

    Args:
        raw: metric name → default.
        names: the operator's; those of other metrics are ignored.
        datasource: its name, for the log.
    """
    result = dict(raw)
    for metric, entry in names.items():
        if metric not in raw:
            continue
        default = raw[metric].unit
        described = entry if isinstance(entry, dict) else {"name": entry}
        name, unit = str(described["name"]), described.get("unit")
        if unit is None:
            named = unit_of(name)
            unit = named if named and convertible(named, default) else default
        if convertible(str(unit), default):
            result[metric] = RawMetric(name, str(unit))
        else:
            _log.warning(
                "metric map: %s of %s is ignored: %s cannot be converted to %s",
                *(metric, datasource, unit, default),
            )
    return result
