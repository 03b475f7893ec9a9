"""Read tables hold rendered reasons: a table filled before a change of sentences differs after it.

Once the sentences of reasons were rewritten and only the timeline got a new version. Audits and
plans of one table then showed old and new sentences, and a rebuild reported tables "that differed
from the log" although no event was missing.
"""

import json
from hashlib import sha256

from application.kernel.product_reasons import product_reasons
from application.ports.read_tables import AUDIT_SCHEMA, PLAN_SCHEMA, TIMELINE_SCHEMA

SENTENCES = {
    (2, 1, 2): "9d65ef8b21dd",
    (3, 2, 3): "9dac6c7e8f6f",
}
"""Versions of audits, plans and timeline → digest of the sentences of all reasons.

When a sentence changes, raise the three versions and add a line.
"""


def test_changed_sentences_of_reasons_raise_the_versions_of_the_tables_that_hold_them() -> None:
    declared = {reason.code: reason.sentence for reason in product_reasons()}
    sentences = json.dumps(declared, sort_keys=True)
    versions = AUDIT_SCHEMA.version, PLAN_SCHEMA.version, TIMELINE_SCHEMA.version
    assert SENTENCES.get(versions) == sha256(sentences.encode()).hexdigest()[:12]
