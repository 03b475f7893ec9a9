"""Read tables hold rendered reasons: a table filled before a change of sentences differs after it.

Once the sentences of reasons were rewritten and only the timeline got a new version. Audits and
plans of one table then showed old and new sentences, and a rebuild reported tables "that differed
from the log" although no event was missing.

Events store the sentences of their reasons now. Those of earlier versions do not: the sentences of
the reasons that they can hold are in tests/golden/sentences.json.
"""

import json
from hashlib import sha256
from pathlib import Path

from application.kernel.product_reasons import product_reasons
from application.ports.read_tables import AUDIT_SCHEMA, PLAN_SCHEMA, TIMELINE_SCHEMA

GOLDEN = Path(__file__).parents[2] / "golden" / "sentences.json"
SENTENCES = {
    (2, 1, 2): "9d65ef8b21dd",
    (3, 2, 3): "9dac6c7e8f6f",
    (4, 3, 3): "9dac6c7e8f6f",
    (4, 4, 3): "9dac6c7e8f6f",
    (4, 5, 3): "9dac6c7e8f6f",
    (4, 6, 3): "9dac6c7e8f6f",
    (4, 7, 3): "9dac6c7e8f6f",
}
"""Versions of audits, plans and timeline → digest of the golden sentences.

When one of them changes, change it in the file too, raise the three versions and add a line.
"""


def golden() -> dict[str, str]:
    found: dict[str, str] = json.loads(GOLDEN.read_text())
    return found


def test_events_without_sentences_are_rendered_as_before() -> None:
    declared = {reason.code: reason.sentence for reason in product_reasons()}
    assert {code: declared.get(code) for code in golden()} == golden()


def test_changed_sentences_of_reasons_raise_the_versions_of_the_tables_that_hold_them() -> None:
    sentences = json.dumps(golden(), sort_keys=True)
    versions = AUDIT_SCHEMA.version, PLAN_SCHEMA.version, TIMELINE_SCHEMA.version
    assert SENTENCES.get(versions) == sha256(sentences.encode()).hexdigest()[:12]
