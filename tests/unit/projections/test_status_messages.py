import pytest

from application.ports.cloud import CLOUD_REFUSED
from application.projections import status_messages
from domain.kernel.reasons import Cause
from domain.plans.reasons import (
    DEADLINE_PASSED,
    SERVER_NOT_FOUND,
    SKIPPED_BY_USER,
    SOME_ACTIONS_SKIPPED,
)


def test_a_users_skip_has_exactly_the_text_that_clients_look_for() -> None:
    by_user = Cause(SKIPPED_BY_USER)
    assert status_messages.skipped(by_user, None) == "Action skipped by user."
    assert status_messages.skipped(by_user, "") == "Action skipped by user."
    assert status_messages.skipped(by_user, "on hold") == "Action skipped by user. Reason: on hold"


def test_an_automatic_skip_says_why() -> None:
    because = Cause(SERVER_NOT_FOUND, {"server": "s-1"})
    assert status_messages.skipped(because, None) == (
        "Action was skipped automatically: server s-1 does not exist"
    )


@pytest.mark.parametrize(
    ("before", "phase"), [("PENDING", "pre_condition"), ("ONGOING", "execute")]
)
def test_a_failure_names_the_phase(before: str, phase: str) -> None:
    because = Cause(DEADLINE_PASSED, {"seconds": 180})
    assert status_messages.failed(before, because) == (
        f"Action failed in {phase}: not finished within 180 s"
    )


def test_a_plan_says_that_actions_were_skipped() -> None:
    assert status_messages.why(Cause(SOME_ACTIONS_SKIPPED, {"skipped": 3})) == (
        "One or more actions were skipped."
    )
    assert status_messages.why(None) is None


def test_a_message_fits_its_column_whatever_it_carries() -> None:
    long = Cause(CLOUD_REFUSED, {"error": "e" * 500})
    for text in (
        status_messages.why(long),
        status_messages.failed("ONGOING", long),
        status_messages.skipped(long, None),
        status_messages.skipped_by_user("n" * 500),
    ):
        assert text is not None
        assert len(text) == status_messages.LENGTH
    exact = "x" * status_messages.LENGTH
    assert status_messages.cut(exact) == exact
