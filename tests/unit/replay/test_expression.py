"""The language of conditions: what it means, and that it can do nothing else."""

import pytest

from application.replay.expression import Expression, InvalidExpression, written
from application.replay.values import Path, value_at
from domain.plans.action_plan import ActionPlan
from tests.given import context, ident
from tests.world.values import migrations, proposal

HOSTS = {
    "host": {"compute-7": {"share": 85.5, "servers": ["vm-1", "VM-2"], "zone": "nova"}},
    "plan": {"state": "FAILED", "because": {"facts": {"failed": 1}}, "owner": None},
    "on": True,
}


def holds(text: str) -> bool:
    return Expression(text).holds(lambda path: value_at(HOSTS, path))


@pytest.mark.parametrize(
    "text",
    [
        'host["compute-7"].share > 85',
        "80 < host['compute-7'].share <= 85.5",
        'plan.state == "FAILED" and not plan.state != "FAILED"',
        'plan.state == "NO" or on == true',
        '"vm-1" in host["compute-7"].servers and "vm-3" not in host["compute-7"].servers',
        'host["compute-7"].servers[-1] == "VM-2"',
        'lower(host["compute-7"].servers[1]) == "vm-2"',
        'len(host["compute-7"].servers) == 2 and len("abc") >= 3',
        'plan.state in ["FAILED", "CANCELLED"]',
        '"failed" in plan.because.facts and plan.because.facts.failed == 1',
        "plan.owner == null and plan.owner == None and plan.nothing.inside == null",
        'not host["gone"].share > 1 and not host["gone"].share <= 1',
        'not "x" in host["gone"].servers and len(host["gone"].servers) == 0',
        "-1 < plan.because.facts.failed",
        "on",
    ],
)
def test_a_condition_means_what_it_says(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is no expression"),
        ("plan.state ==", "is no expression"),
        ("__import__('os').system('true')", "is not allowed"),
        ("plan.state.lower()", "is not allowed"),
        ("open('x')", "is not allowed"),
        ("len(plan, plan)", "is not allowed"),
        ("(lambda: 1)()", "is not allowed"),
        ("[x for x in plan]", "is not allowed"),
        ("plan if on else plan", "is not allowed"),
        ("f'{plan}' == 'x'", "is not allowed"),
        ("9 ** 9 == 1", "is not allowed"),
        ("plan.x + 1 > 2", "is not allowed"),
        ("(y := 1) == 1", "is not allowed"),
        ("b'x' == plan.state", "is not allowed"),
        ("plan[plan.state] == 1", "is not allowed"),
        ("plan[1:2] == 1", "is not allowed"),
        ("plan[1.5] == 1", "a key is a text or a number"),
        ("plan.owner is None", "use == and !="),
        ("plan.state > 5", "a text and a number have no order"),
        ('"x" in on', "a truth value contains nothing"),
        ("len(on) == 1", "a truth value has no length"),
        ("not " * 400 + "on", "longer than"),
        ("(" * 300 + "on" + ")" * 300, "is no expression"),
    ],
)
def test_everything_else_is_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        holds(text)
    assert complaint in str(caught.value)


def test_the_paths_of_an_expression_are_the_values_that_it_names() -> None:
    text = 'len(host["compute-7"].servers) > 1 and (plan.state == "x" or plan.state != y[0])'
    wanted: tuple[Path, ...] = (("host", "compute-7", "servers"), ("plan", "state"), ("y", 0))
    assert Expression(text).paths == wanted
    assert written(wanted[0]) == 'host["compute-7"].servers'


def test_private_attributes_and_methods_of_recorded_objects_cannot_be_reached() -> None:
    plan = ActionPlan.propose(context(), proposal(ident(1), ident(2), migrations(3)))
    action = next(iter(plan.actions))
    assert value_at(plan, ("state",)) == "RECOMMENDED"
    assert value_at(plan, ("actions", str(action).upper(), "spec", "type")) == "migrate"
    for name in ("_id", "__class__", "launch", "pending_events", "id.__class__"):
        assert value_at(plan, (name,)) == "(absent)", name
