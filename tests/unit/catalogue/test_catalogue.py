"""Decision engines that start: what each records in the catalogue that they share."""

from collections.abc import Iterable
from itertools import pairwise

import pytest

from domain.catalogue import PluginCatalogue, PluginDefinition, PluginKind
from domain.catalogue.installation import version_order
from tests.given import context
from tests.world.values import installation, plugins, started

GOALS = ("dummy", "saving")
OLD = plugins(GOALS, {"basic": ("dummy", {})})
NEW = plugins(GOALS, {"basic": ("dummy", {"properties": {"limit": {}}}), "extra": ("saving", {})})


def catalogue() -> PluginCatalogue:
    opened = PluginCatalogue.open(context())
    opened.collect_events()
    return opened


def topics(opened: PluginCatalogue) -> list[str]:
    """Short topics of the events since the last call."""
    found = [str(vars(type(event))["TOPIC"]) for event in opened.collect_events()]
    return [topic.removeprefix("catalogue.") for topic in found]


def shown(opened: PluginCatalogue) -> list[PluginDefinition]:
    return sorted(opened.definitions.values(), key=lambda one: one.key)


def by_key(found: Iterable[PluginDefinition]) -> list[PluginDefinition]:
    return sorted(found, key=lambda one: one.key)


def test_two_versions_do_not_undo_each_other_at_every_start() -> None:
    """Each start of the old one changed `basic` back and retired `extra`; the new one undid it."""
    opened = catalogue()
    started(opened, context(), OLD, host="ctl-1", version="1.9")
    started(opened, context(), NEW, host="ctl-2", version="1.10")
    topics(opened)
    for second in range(3):
        started(opened, context(second), OLD, host="ctl-1", version="1.9")
        started(opened, context(second), NEW, host="ctl-2", version="1.10")
        assert topics(opened) == ["installation-resumed"] * 2
        assert shown(opened) == by_key(NEW)


def test_two_versions_on_one_host_do_not_undo_each_other_while_both_live() -> None:
    opened = catalogue()
    for start in (1, 2):
        for found, version in ((OLD, "1.9"), (NEW, "1.10")):
            here = installation(found, version=version, start=start)
            ended = [f"watcher-decision-engine/ctl-1/{start - 1}/{version}"]
            opened.synchronise(context(), found, here, ended)
    assert shown(opened) == by_key(NEW)


def test_an_upgrade_in_place_retires_what_the_new_version_does_not_have() -> None:
    opened = catalogue()
    started(opened, context(), NEW, version="1.0")
    topics(opened)
    started(opened, context(), OLD, version="2.0")
    assert topics(opened) == [
        *("installation-recorded", "installation-forgotten"),
        *("definition-changed", "definition-retired"),
    ]
    assert shown(opened) == by_key(OLD)


def test_the_old_version_is_back_when_all_engines_have_it_again() -> None:
    opened = catalogue()
    for host in ("ctl-1", "ctl-2"):
        started(opened, context(), NEW, host=host, version="2.0")
    started(opened, context(), OLD, host="ctl-1", version="1.0")
    assert shown(opened) == by_key(NEW)
    started(opened, context(), OLD, host="ctl-2", version="1.0")
    assert shown(opened) == by_key(OLD)


def test_a_strategy_stays_until_the_last_engine_that_has_it_is_gone() -> None:
    opened = catalogue()
    started(opened, context(), NEW, host="ctl-1")
    started(opened, context(), NEW, host="ctl-2")
    started(opened, context(), OLD, host="ctl-1")
    assert (PluginKind.STRATEGY, "extra") in opened.definitions
    gone = [one.instance for one in opened.installations.values() if one.host == "ctl-2"]
    opened.synchronise(context(), OLD, installation(OLD, start=99), gone)
    assert (PluginKind.STRATEGY, "extra") not in opened.definitions


def test_engines_that_disagree_about_one_version_keep_the_first_definition() -> None:
    """Two builds of one version: without a rule each start would change `basic`."""
    opened = catalogue()
    first, second = OLD, plugins(GOALS, {"basic": ("dummy", {"properties": {}})})
    for start in (1, 2):
        started(opened, context(start), first, host="ctl-1")
        started(opened, context(start), second, host="ctl-2")
    assert shown(opened) == by_key(first)
    started(opened, context(9), second, host="ctl-1")
    assert shown(opened) == by_key(second)


def test_a_catalogue_of_before_installations_were_recorded_is_brought_up_to_date() -> None:
    """The control: its definitions belong to no installation, so that any engine changes them."""
    opened = catalogue()
    started(opened, context(), NEW)
    opened.installations.clear()
    started(opened, context(), OLD, version="")
    assert shown(opened) == by_key(OLD)


@pytest.mark.parametrize(
    "ascending",
    [
        ("", "0", "0.9", "0.10", "1.0.dev3", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.1"),
        ("nonsense", "2026.1", "1!0.1"),
    ],
)
def test_versions_are_ordered_as_distributions_order_them(ascending: tuple[str, ...]) -> None:
    orders = [version_order(version) for version in ascending]
    assert all(before < after for before, after in pairwise(orders))
    assert version_order("1.0") == version_order("v1.0.0") == version_order("1")
