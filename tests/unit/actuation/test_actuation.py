"""The switch that stops all changes to the cloud."""

import pytest

from domain.actuation import ACTUATION_OFF, Actuation
from domain.kernel.errors import InvalidValue
from tests.given import context


def opened() -> Actuation:
    switch = Actuation.open(context())
    switch.collect_events()
    return switch


def topics(switch: Actuation) -> list[str]:
    return [str(vars(type(event))["TOPIC"]) for event in switch.collect_events()]


def test_a_new_switch_is_on_and_holds_nothing_back() -> None:
    switch = opened()
    assert switch.is_on
    assert switch.hold is None


def test_a_switch_that_is_off_says_who_when_and_why() -> None:
    switch = opened()
    switch.switch(context(5), "network  outage\n", on=False)
    assert topics(switch) == ["actuation.switched-off"]
    assert switch.hold is not None
    assert switch.hold.reason == ACTUATION_OFF
    assert str(switch.hold) == (
        f"actuation is off since {context(5).at.isoformat(timespec='seconds')}, "
        f"switched off by {context().metadata.actor.name}: network outage"
    )


def test_switching_it_off_again_for_the_same_reason_changes_nothing() -> None:
    switch = opened()
    switch.switch(context(1), "outage", on=False)
    switch.switch(context(2), "outage", on=False)
    assert topics(switch) == ["actuation.switched-off"]
    switch.switch(context(3), "upgrade", on=False)
    switch.switch(context(4), "done", on=True)
    assert topics(switch) == ["actuation.switched-off", "actuation.switched-on"]
    assert switch.is_on
    assert switch.hold is None


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 201])
def test_a_reason_is_required_and_fits_into_a_status_message(reason: str) -> None:
    switch = opened()
    with pytest.raises(InvalidValue, match="reason: must have 1 to 200 characters"):
        switch.switch(context(), reason, on=False)
    assert topics(switch) == []
