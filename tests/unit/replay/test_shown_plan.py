"""A plan on a terminal of 80 columns."""

import io

from rich.console import Console

from domain.plans.action_plan import ActionPlan
from interfaces.terminal.history import print_actions
from tests.given import context, ident
from tests.world.values import migrations, proposal


def test_actions_stand_under_their_hosts_within_80_columns() -> None:
    plan = ActionPlan.propose(context(), proposal(ident(1), ident(2), migrations(3)))
    out = io.StringIO()
    print_actions(plan, Console(file=out, width=80, highlight=False))
    lines = out.getvalue().splitlines()
    assert lines[0] == "cmp-1: 3 pending"
    assert lines[1].endswith("migrate server-0: cmp-1 -> cmp-2  PENDING")
    assert lines[2].strip() == "moving server-0 helps to empty cmp-1"
    assert max(map(len, lines)) <= 80
