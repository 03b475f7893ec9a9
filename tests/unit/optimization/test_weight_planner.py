import pytest

from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.optimization.planners.weight import WeightOptions, WeightPlanner
from domain.optimization.solution import Solution
from domain.optimization.strategy import REQUESTED_BY_PARAMETERS
from domain.plans.proposal import PlannedAction, ProposedAction
from tests.world.optimization import weigh

WHY = Cause(REQUESTED_BY_PARAMETERS, {"strategy": "test"})


def action(kind: str, resource: str = "", **parameters: object) -> ProposedAction:
    return ProposedAction(kind, resource, parameters, WHY)


def move(server: str, source: str, destination: str) -> ProposedAction:
    return action("migrate", server, source_node=source, destination_node=destination)


def parents(planned: list[PlannedAction]) -> list[tuple[str, tuple[int, ...]]]:
    return [(p.action.resource_id, p.parents) for p in planned]


def test_heavy_types_come_first_and_independent_moves_wait_for_nothing() -> None:
    """Moves were cut into chunks of two that waited for each other: 100 took 18 minutes."""
    moves = [move(f"m{n}", f"a{n}", f"b{n}") for n in range(5)]
    states = [action("change_nova_service_state", f"s{n}", state="disabled") for n in range(2)]
    solution = Solution((*moves, *states, action("resize", "r")))
    assert parents(list(weigh(solution))) == [
        ("s0", ()),
        ("s1", ()),
        *((f"m{n}", ()) for n in range(5)),
        ("r", (0, 1, 2, 3, 4, 5, 6)),
    ]


def test_the_default_order_of_all_types() -> None:
    kinds = ["change_node_power_state", "resize", "migrate", "delete", "stop", "shelve", "sleep"]
    kinds += ["change_nova_service_state", "volume_migrate", "nop", "something_new"]
    planned = weigh(Solution(tuple(action(kind) for kind in kinds)))
    order = [p.action.type for p in planned]
    assert order == [*reversed(kinds[:-1]), "something_new"]


def test_an_unknown_type_is_planned_last() -> None:
    solution = Solution((action("strange", "x"), action("strange", "y"), action("nop", "n")))
    assert parents(list(weigh(solution))) == [("n", ()), ("x", (0,)), ("y", (0,))]


def test_types_of_equal_weight_keep_their_order() -> None:
    solution = Solution((action("a", "1"), action("a", "2"), action("b", "3"), action("b", "4")))
    assert parents(list(weigh(solution, weights={"a": 5, "b": 5}))) == [
        ("1", ()),
        ("2", ()),
        ("3", (0, 1)),
        ("4", (0, 1)),
    ]


def test_very_many_actions_wait_for_very_many_others_through_one_of_them() -> None:
    """Each of 200 waiting for each of 200 would be 40,000 edges; a plan has them as text."""
    heavy = [action("nop", f"n{n}") for n in range(200)]
    light = [action("stop", f"s{n}") for n in range(200)]
    planned = weigh(Solution((*heavy, *light)))
    assert planned[200].parents == tuple(range(200))
    assert {one.parents for one in planned[201:]} == {(200,)}


def test_numbers_from_a_configuration_file_are_compared_as_numbers() -> None:
    """As texts "9" would rank above "70"."""
    planned = weigh(Solution((action("a"), action("b"))), weights={"a": "9", "b": "70"})
    assert [p.action.type for p in planned] == ["b", "a"]


@pytest.mark.parametrize("value", ["many", 1.5, None, True, ""])
def test_a_value_that_is_no_whole_number_is_refused_with_option_and_type(value: object) -> None:
    with pytest.raises(InvalidValue, match="must be a whole number") as caught:
        WeightOptions(parallelization={"migrate": value})  # type: ignore[dict-item]
    assert caught.value.field == "parallelization[migrate]"


@pytest.mark.parametrize(("per", "in_plan", "at_host"), [("host", None, 1), ("plan", 1, None)])
def test_the_parallelization_of_migrations_holds_at_each_host_or_in_the_plan(
    per: str, in_plan: int | None, at_host: int | None
) -> None:
    options = WeightOptions({}, {"nop": 0, "resize": 2, "migrate": 1}, per)
    limits = WeightPlanner().parallelism(options)
    assert [limits.limit(kind) for kind in ("nop", "resize", "strange")] == [1, 2, 1]
    assert (limits.limit("migrate"), limits.per_host.get("migrate")) == (in_plan, at_host)


def test_options_that_are_left_out_keep_their_defaults() -> None:
    planned = weigh(Solution((action("nop"), action("migrate"))), weights={"nop": 1})
    assert [p.action.type for p in planned] == ["migrate", "nop"]


def test_a_move_onto_a_host_that_is_being_left_waits_for_the_leaving() -> None:
    """A server in flight holds both ends: the room it leaves is not free before it has landed."""
    solution = Solution((move("a", "h1", "h2"), move("b", "h3", "h1"), move("c", "h4", "h5")))
    assert parents(list(weigh(solution))) == [
        ("a", ()),
        ("b", (0,)),
        ("c", ()),
    ]


def test_a_server_is_never_in_flight_twice() -> None:
    solution = Solution((move("a", "h1", "h2"), move("a", "h2", "h3")))
    assert parents(list(weigh(solution))) == [("a", ()), ("a", (0,))]


def switch(host: str, state: str) -> ProposedAction:
    return action("change_nova_service_state", f"id-{host}", state=state, resource_name=host)


def test_a_move_requires_the_enabling_of_its_destination_and_nothing_else() -> None:
    solution = Solution((move("a", "c1", "c2"), move("b", "c1", "c3"), switch("c2", "enabled")))
    planned = weigh(solution)
    requires = {p.action.resource_id: p.requires for p in planned}
    assert requires == {"id-c2": (), "a": (0,), "b": ()}


def test_a_host_is_disabled_after_the_moves_off_it_and_requires_them() -> None:
    """It was disabled first: when the moves then failed, it stayed disabled with its servers."""
    solution = Solution(
        (
            move("a", "c1", "c4"),
            move("b", "c2", "c4"),
            move("c", "c1", "c4"),
            switch("c1", "disabled"),
            switch("c2", "disabled"),
            switch("c3", "disabled"),
        )
    )
    planned = weigh(solution)
    named = [p.action.resource_id for p in planned]
    assert named == ["id-c3", "a", "b", "id-c2", "c", "id-c1"]
    requires = {p.action.resource_id: [named[at] for at in p.requires] for p in planned}
    assert requires == {
        "a": [],
        "b": [],
        "c": [],
        "id-c1": ["a", "c"],
        "id-c2": ["b"],
        "id-c3": [],
    }


def test_a_host_that_the_strategy_disables_before_the_moves_off_it_is_disabled_first() -> None:
    """So that no server arrives while an operator waits for the host, for its maintenance."""
    solution = Solution((switch("c1", "disabled"), move("a", "c1", "c2")))
    planned = weigh(solution)
    assert [(p.action.resource_id, p.parents, p.requires) for p in planned] == [
        ("id-c1", (), ()),
        ("a", (0,), ()),
    ]


def test_an_empty_solution_is_an_empty_plan() -> None:
    assert list(weigh(Solution(()))) == []
