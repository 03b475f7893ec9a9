from domain.kernel.reasons import _SENTENCES, Cause, Reason, render


def test_every_reason_has_a_sentence_and_every_sentence_a_reason() -> None:
    assert set(_SENTENCES) == set(Reason)


def test_a_missing_fact_shows_instead_of_failing() -> None:
    assert "<server>" in render(Reason.SERVER_NOT_FOUND, {})


def test_a_reason_with_facts_reads_as_a_sentence() -> None:
    assert str(Cause(Reason.HOST_DISABLED, {"host": "cmp-1"})) == "cmp-1 is disabled"
