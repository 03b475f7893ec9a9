"""Operators' own names of metrics, from an optional YAML file."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

from infrastructure.datasources.measures import MEASURES

_log = logging.getLogger(__name__)

Names = Mapping[str, object]
"""Metric name → the datasource's name of it; for Grafana: a map that describes the query."""


def metric_map(path: Path, datasources: Collection[str]) -> Mapping[str, Names]:
    """Datasource → metric → name. Empty if there is no file.

    Invalid entries are ignored and logged: a wrong map must not stop the service.

    Args:
        path: of the file.
        datasources: names of the installed ones.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
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
    kind = dict if datasource == "grafana" else str
    known = {metric: name for metric, name in names.items() if metric in MEASURES}
    for metric in [one for one in names if one not in known or not isinstance(names[one], kind)]:
        _log.warning("metric map %s: %s of %s is ignored", path, metric, datasource)
    return {metric: name for metric, name in known.items() if isinstance(name, kind)}
