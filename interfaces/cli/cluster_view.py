"""A kept model for people and programs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from application.cluster_models.query import ModelStatus
from application.cluster_models.record import CollectedModel
from application.kernel.json_values import json_value
from interfaces.cli.cluster_forms import ModelFormat
from interfaces.terminal.wording import age, sizes


def as_json(
    statuses: Sequence[ModelStatus], shown: CollectedModel[Any], form: ModelFormat
) -> dict[str, Any]:
    """Everything but the servers and volumes, which `vigil cluster list` writes."""
    return {
        "models": [json_value(status) for status in statuses],
        "shown": {"digest": shown.digest, "position": shown.position, "age": shown.age},
        form.key: form.summary(shown.model),
    }


def lines(
    statuses: Sequence[ModelStatus], shown: CollectedModel[Any], form: ModelFormat
) -> Iterator[str]:
    """For people."""
    for status in statuses:
        yield from status_lines(status)
    if shown.age is None:
        yield f"shown: the model of position {shown.position} ({shown.digest[:12]})"
    yield from form.table(shown.model)


def status_lines(status: ModelStatus) -> Iterator[str]:
    """How a kept model stands; also lines of `vigil status`."""
    name = f"model {status.kind} of {status.cloud}"
    if status.absent:
        yield f"{name}: absent. {status.failure}"
        return
    fresh = "never collected" if status.age is None else f"confirmed {age(status.age)} ago"
    stale = ", STALE" if status.stale else ""
    yield f"{name}: {', '.join(filter(None, (sizes(status.sizes), fresh)))}{stale}"
    if status.failure is not None and status.failing_since is not None:
        since = status.failing_since.isoformat(timespec="seconds")
        yield f"  failing since {since}: {status.failure}"
    if status.problem_count:
        yield f"  {status.problem_count} records could not be used, such as: {status.problems[0]}"


def list_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One row per thing, for people: ``key=value``, what has no value left out."""
    for row in rows:
        yield " ".join(f"{key}={_said(value)}" for key, value in row.items() if _is_told(value))


def _is_told(value: object) -> bool:
    return value not in (None, "", [], {})


def _said(value: object) -> str:
    text = str(value)
    return repr(text) if " " in text else text
