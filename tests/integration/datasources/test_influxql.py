import re
from string import printable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.datasources.influxql import (
    BadTemplate,
    Template,
    TemplateValues,
    retention,
    safe,
)

BLANKS = TemplateValues("mean", 600, 300, "one_week")
PERIODS = {"one_week": 604_800, "one_month": 2_592_000, "five_years": 31_556_952}


@pytest.mark.parametrize(
    ("period", "name"),
    [
        (300, "one_week"),
        (604_800, "one_month"),
        (2_592_001, "five_years"),
        (31_556_952, "five_years"),
        (99_999_999, "five_years"),
    ],
)
def test_a_period_longer_than_all_retentions_takes_the_longest(period: float, name: str) -> None:
    """The original takes the last one by name: the week, which has the least of it."""
    assert retention(period, PERIODS) == name


def test_a_comparison_with_a_tag_is_asked_for_all_names_at_once() -> None:
    text = 'SELECT 100-{0}("u") FROM {4}.cpu WHERE ("host" =~ /^{1}$/ AND time > now()-{2}s)'
    template = Template(text)
    assert template.tag == "host"
    assert template.grouped(["a.b", "c"], BLANKS) == (
        'SELECT 100-mean("u") FROM one_week.cpu WHERE ("host" =~ /^(a[.]b|c)$/ '
        'AND time > now()-600s) GROUP BY "host"'
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT {0}(v) FROM {4}.m WHERE host =~ /{1}/",
        'SELECT {0}(v) FROM {4}."{1}" WHERE time > now() - {2}s',
        "SELECT {0}(v) FROM m WHERE host = '{1}' GROUP BY time({3}s)",
        "SELECT {0}(v) FROM m WHERE host = '{1}' LIMIT 1",
        "SELECT {0}(v) FROM m WHERE host = '{1}' OR alias = '{1}'",
        "SELECT {0}(w) FROM (SELECT w FROM m WHERE host = '{1}')",
        "SELECT cpu FROM m WHERE host == '{1}'",
    ],
)
def test_any_other_template_becomes_a_statement_per_name(text: str) -> None:
    template = Template(text)
    assert template.tag is None
    first, second = template.single(["a", "b"], BLANKS).split(";")
    assert (first.count("a"), first) != (0, second)
    assert "{" not in first


@pytest.mark.parametrize("text", ["SELECT {5}", "SELECT {", "SELECT {name}", "{0} }"])
def test_a_template_that_cannot_be_filled_in_is_refused(text: str) -> None:
    with pytest.raises(BadTemplate):
        Template(text)


@given(st.lists(st.text(printable, min_size=1).filter(safe), min_size=1), st.text(printable))
def test_a_statement_for_all_matches_its_names_and_no_others(names: list[str], other: str) -> None:
    template = Template("SELECT {0}(v) FROM m WHERE host = '{1}'")
    found = re.search(r"=~ /(.*)/ GROUP BY", template.grouped(names, BLANKS))
    assert found
    pattern = re.compile(found[1])
    assert all(pattern.fullmatch(name) for name in names)
    assert bool(pattern.fullmatch(other)) == (other in names)


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a;b", "a/b", "a b", "a\\b", "", "a$b", "a)b"])
def test_names_that_could_end_what_they_stand_in_are_not_asked_for(name: str) -> None:
    assert not safe(name)
