import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from application.kernel.product_reasons import DECLARED_IN, product_reasons
from domain.cluster.placement.rules.hosts import HOST_DISABLED
from domain.kernel.reasons import Cause, Reason, declared, render
from domain.plans.reasons import SERVER_NOT_FOUND

ROOT = Path(__file__).parents[3]


def test_every_module_that_declares_reasons_is_listed() -> None:
    """A reason outside the list would be missing from docs/reasons.md and in old events."""
    layers = ("domain", "application", "infrastructure", "interfaces")
    files = [path for layer in layers for path in (ROOT / layer).rglob("*.py")]
    declaring = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in files
        if "\n" in (text := path.read_text()) and " = Reason(" in text
    }
    assert declaring == set(DECLARED_IN)


def test_every_declared_reason_of_the_product_is_found_once() -> None:
    codes = [reason.code for reason in product_reasons()]
    assert len(codes) == len(set(codes)) > 90
    assert set(codes) <= set(declared())


def test_a_missing_fact_shows_instead_of_failing() -> None:
    assert "<server>" in render(SERVER_NOT_FOUND, {})


def test_a_reason_with_facts_reads_as_a_sentence() -> None:
    assert str(Cause(HOST_DISABLED, {"host": "cmp-1"})) == "cmp-1 is disabled"


def test_a_cause_is_stored_with_its_sentence() -> None:
    stored = msgspec.json.encode(Cause(HOST_DISABLED, {"host": "cmp-1"}))
    assert msgspec.json.decode(stored) == {
        "reason": "host-disabled",
        "facts": {"host": "cmp-1"},
        "text": "cmp-1 is disabled",
    }


def test_a_cause_of_a_plug_in_that_is_gone_reads_as_it_was_stored() -> None:
    stored = b'{"reason": "acme.rack-full", "facts": {"rack": "r1"}, "text": "rack r1 is full"}'
    assert str(msgspec.json.decode(stored, type=Cause)) == "rack r1 is full"


def test_a_stored_sentence_does_not_change_with_the_declaration() -> None:
    stored = b'{"reason": "host-disabled", "facts": {"host": "cmp-1"}, "text": "cmp-1 is closed"}'
    assert str(msgspec.json.decode(stored, type=Cause)) == "cmp-1 is closed"


def test_a_cause_that_was_stored_without_a_sentence_is_rendered_by_projections() -> None:
    """In a process of its own: here every module that declares a reason is imported anyway."""
    code = (
        "import application.projections, msgspec\n"
        "from domain.kernel.reasons import Cause\n"
        """stored = b'{"reason": "frees-host", "facts": {"server": "vm-1", "source": "cmp-1"}}'\n"""
        "print(msgspec.json.decode(stored, type=Cause))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "moving vm-1 helps to empty cmp-1"


def test_two_sentences_for_one_code_are_refused() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        Reason("host-disabled", "something else")


def test_a_unit_of_a_fact_that_the_sentence_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no facts of its sentence"):
        Reason("test.no-fact", "nothing", seconds="s")
