"""`vigil replay bisect`."""

import json

import pytest

from tests.integration.cli.conftest import Cli
from tests.world.histories import SHORT_NAME, ShortHistory

pytestmark = pytest.mark.usefixtures("settings")


def found(cli: Cli, *words: str, code: int = 0) -> dict[str, object]:
    result: dict[str, object] = json.loads(cli.ends(code, "bisect", *words, "--json"))
    return result


def test_bisect_names_the_event_that_made_a_condition_true(cli: Cli, story: ShortHistory) -> None:
    one = found(cli, f'plan["{story.plan}"].state == "PENDING"')
    assert (one["position"], one["already"]) == (story.launched, False)
    path = f'plan["{story.plan}"].state'
    assert (one["before"], one["after"]) == ({path: "RECOMMENDED"}, {path: "PENDING"})
    said = cli.text("bisect", f'audit["{SHORT_NAME}"].state == "SUCCEEDED"')
    assert "it became true at position" in said
    assert "ONGOING -> SUCCEEDED" in said


def test_a_condition_may_name_several_objects_rows_and_actions(
    cli: Cli, story: ShortHistory
) -> None:
    failed = found(cli, f'action["{story.actions[1]}"].state == "FAILED"')
    row = found(cli, f'rows.actions["{story.actions[1]}"].state == "FAILED"')
    assert failed["position"] == row["position"] == story.end - 2
    audit = f'audit["{SHORT_NAME}"].state == "SUCCEEDED"'
    both = found(cli, f'{audit} and plan["{story.plan}"].state == "FAILED"')
    assert both["position"] == story.end


def test_a_condition_that_was_true_for_a_while_is_found_although_it_is_false_at_the_end(
    cli: Cli, story: ShortHistory
) -> None:
    """A search by halving would not find it."""
    state = f'plan["{story.plan}"].state'
    assert found(cli, f'{state} == "PENDING"')["position"] == story.launched
    never = found(cli, f'{state} == "PENDING"', "--since", str(story.launched + 1), code=0)
    assert (never["position"], never["already"]) == (story.launched, True)
    later = found(cli, f'{state} == "PENDING"', "--since", str(story.end), code=1)
    assert later["position"] is None


def test_the_range_may_begin_and_end_at_a_position_or_a_time(cli: Cli, story: ShortHistory) -> None:
    failed = f'plan["{story.plan}"].state == "FAILED"'
    assert found(cli, failed, "--until", str(story.end - 1), code=1)["position"] is None
    assert found(cli, failed, "--until", "2026-11-24T12:00:14", code=1)["position"] is None
    assert found(cli, failed, "--since", "2026-11-24T12:00:12")["position"] == story.end


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("state == 1", "a value begins with"),
        ('rows.goals["x"].name == "y"', "the tables are"),
        ('plan["nonsense"].state == 1', "no aggregate in the log has the id or name nonsense"),
        (f'plan["{SHORT_NAME}"].state == 1', "is of kind audit"),
        (f'action["{SHORT_NAME}"].state == 1', "is not the id of an action"),
        (f'audit["{SHORT_NAME}"].state > 1', "a text and a number have no order"),
        ('host["x"].state == "up"', "the read models cannot be read"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    cli: Cli, story: ShortHistory, expression: str, complaint: str
) -> None:
    assert complaint in cli.fails("bisect", expression)


def test_a_misspelt_attribute_is_pointed_out(cli: Cli, story: ShortHistory) -> None:
    one = found(cli, f'audit["{SHORT_NAME}"].stat == "SUCCEEDED"', code=1)
    assert one["absent"] == [f'audit["{SHORT_NAME}"].stat']
