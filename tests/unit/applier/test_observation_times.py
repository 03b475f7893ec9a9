"""When an effect in the cloud is looked at again."""

import pytest

from application.applier.observation_times import ObservationTimes
from application.ports.cloud import Observation, Phase
from tests.clocks import SkippingClock


def test_what_is_known_to_end_is_observed_when_it_ends() -> None:
    """The end of a sleep was noticed up to a whole interval late."""
    times = ObservationTimes(SkippingClock(), 5.0)
    assert times.pause(Observation(Phase.RUNNING, {}, rest=60.0)) == 5.0
    assert times.pause(Observation(Phase.RUNNING, {}, rest=1.5)) == pytest.approx(1.5, abs=0.01)


def test_what_ends_later_than_expected_is_observed_in_growing_steps() -> None:
    times = ObservationTimes(SkippingClock(), 1.0)
    late = Observation(Phase.RUNNING, {}, rest=0.0)
    pauses = [times.pause(late) for _ in range(7)]
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    times.pause(Observation(Phase.RUNNING, {}, rest=3.0))
    assert times.pause(late) == 0.05


def test_an_end_that_nobody_knows_is_looked_for_in_growing_steps() -> None:
    times = ObservationTimes(SkippingClock(), 0.3)
    seen = Observation(Phase.RUNNING, {})
    assert [times.pause(one) for one in (seen, None, seen, seen)] == [0.05, 0.1, 0.2, 0.3]


def test_a_copy_is_observed_when_the_rest_should_be_copied() -> None:
    clock = SkippingClock()
    times = ObservationTimes(clock, 60.0)
    times.pause(Observation(Phase.RUNNING, {}, copied=100.0, remaining=900.0))
    clock.sleep(2.0)
    seen = Observation(Phase.RUNNING, {}, copied=300.0, remaining=700.0)
    assert times.pause(seen) == pytest.approx(7.0, abs=0.01)
    clock.sleep(1.0)
    assert times.pause(seen) == 0.05, "nothing was copied: the end is not known"
