"""Adds what is missing to the golden log: ``python -m tests.golden.events.generate``.

A line that is there is history and stays. An event class whose stored form changes gets a higher
``class_version`` and an upcaster; its new form then goes into the file of that version. A field
that is added with a default needs neither: the new form follows the old one in the same file. Only
before the first release may ``--afresh`` throw the files away and write them again.

A story is a log of that class version; ``states.json`` has the hash of the last state of each of
its aggregates. An attribute that is added to an aggregate changes hashes: ``--states`` writes them
anew, once the independent fold of the stories (oracle.py) knows the attribute, too.
"""

import argparse
import json
from pathlib import Path

import msgspec

from application.kernel.product_reasons import product_reasons
from domain.kernel.aggregate import Event
from infrastructure.event_log.event_types import event_types
from infrastructure.event_log.mapper import Mapper
from tests.golden.events.history import golden_history
from tests.golden.events.oracle import hashes
from tests.golden.events.samples import FORMS, product_events, sample, vocabularies

HERE = Path(__file__).parent
STATES = HERE / "states.json"
"""Story → aggregate → hash of its last state."""
VALUES = HERE / "values.json"
"""The values of enumerations that may lie in a log: they only ever become more."""


class Line(msgspec.Struct):
    """A stored event of the golden log.

    Attributes:
        state: the stored bytes.
    """

    topic: str
    form: str
    state: msgspec.Raw


class Row(msgspec.Struct):
    """A row of the golden story."""

    aggregate: str
    version: int
    topic: str
    state: msgspec.Raw


def file_of(version: int) -> Path:
    """The file with the forms of a class version."""
    return HERE / f"v{version}.jsonl"


def stories() -> list[Path]:
    """The logs of all class versions."""
    return sorted(HERE.glob("story_v*.jsonl"))


def rows(story: Path) -> list[Row]:
    """The rows of a story."""
    return [msgspec.json.decode(text, type=Row) for text in story.read_bytes().splitlines()]


def lines() -> list[tuple[int, Line]]:
    """Every golden line with its class version."""
    return [
        (int(path.stem.removeprefix("v")), msgspec.json.decode(text, type=Line))
        for path in sorted(HERE.glob("v*.jsonl"))
        for text in path.read_bytes().splitlines()
    ]


def present() -> list[tuple[int, Line]]:
    """What the code would store today, a line for each form of each class."""
    mapper = Mapper(event_types)
    return [
        (
            getattr(cls, "class_version", 1),
            Line(topic, form, msgspec.Raw(mapper.to_stored(sample(cls, form)).state)),
        )
        for topic, cls in product_events().items()
        for form in FORMS
    ]


def story_rows() -> list[Row]:
    """The story as the code would store it today."""
    mapper = Mapper(event_types)
    rows = []
    for aggregate in golden_history():
        for event in aggregate.collect_events():
            assert isinstance(event, Event)
            stored = mapper.to_stored(event)
            rows.append(
                Row(
                    str(stored.originator_id),
                    stored.originator_version,
                    stored.topic,
                    msgspec.Raw(stored.state),
                )
            )
    return rows


def values() -> dict[str, list[str]]:
    """The golden values: enumeration → what was ever stored for its members."""
    if not VALUES.exists():
        return {}
    return msgspec.json.decode(VALUES.read_bytes(), type=dict[str, list[str]])


def _add_values() -> None:
    known = values()
    today = vocabularies() | {"Reason": sorted(reason.code for reason in product_reasons())}
    for name, present_values in today.items():
        known[name] = sorted({*known.get(name, []), *present_values})
    VALUES.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=2) + b"\n")


def _add_story() -> None:
    """The story in the form of today, if there is none of this class version."""
    latest = max(version for version, _ in present())
    path = HERE / f"story_v{latest}.jsonl"
    if not path.exists():
        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in story_rows()))


def _add_states(*, anew: bool) -> None:
    known = json.loads(STATES.read_text()) if STATES.exists() and not anew else {}
    for story in stories():
        told = list(map(json.loads, story.read_text("utf-8").splitlines()))
        last = {line["aggregate"]: line["version"] for line in told}
        found = hashes(told)
        known.setdefault(story.stem, {one: found[f"{one} v{at}"] for one, at in last.items()})
    STATES.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", "utf-8")


def main() -> None:
    """Writes what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--afresh", action="store_true", help="forget the history (unreleased only)"
    )
    parser.add_argument("--states", action="store_true", help="write the hashes of states anew")
    options = parser.parse_args()
    if options.afresh:
        for path in HERE.glob("[sv]*.json*"):
            path.unlink()
    known = {(version, line.topic, line.form): line for version, line in lines()}
    for version, line in present():
        if known.get((version, line.topic, line.form)) != line:
            with file_of(version).open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
    _add_values()
    _add_story()
    _add_states(anew=options.states or options.afresh)


if __name__ == "__main__":
    main()
