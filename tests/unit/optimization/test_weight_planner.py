import pytest

from domain.kernel.errors import InvalidValue
from domain.kernel.reasons import Cause
from domain.optimization.planners.weight import WeightOptions
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


def test_heavy_types_come_first_in_chunks_with_barriers() -> None:
    moves = [move(f"m{n}", f"a{n}", f"b{n}") for n in range(5)]
    states = [action("change_nova_service_state", f"s{n}", state="disabled") for n in range(2)]
    solution = Solution((*moves, *states, action("resize", "r")))
    assert parents(list(weigh(solution))) == [
        ("s0", ()),
        ("s1", (0,)),
        ("m0", (1,)),
        ("m1", (1,)),
        ("m2", (2, 3)),
        ("m3", (2, 3)),
        ("m4", (4, 5)),
        ("r", (6,)),
    ]


def test_the_default_order_of_all_types() -> None:
    kinds = ["change_node_power_state", "resize", "migrate", "delete", "stop", "shelve", "sleep"]
    kinds += ["change_nova_service_state", "volume_migrate", "nop", "something_new"]
    planned = weigh(Solution(tuple(action(kind) for kind in kinds)))
    order = [p.action.type for p in planned]
    assert order == [*reversed(kinds[:-1]), "something_new"]


def test_an_unknown_type_is_planned_last_and_alone() -> None:
    solution = Solution((action("strange", "x"), action("strange", "y"), action("nop", "n")))
    assert parents(list(weigh(solution))) == [("n", ()), ("x", (0,)), ("y", (1,))]


def test_types_of_equal_weight_keep_their_order_and_their_own_parallelism() -> None:
    solution = Solution((action("a", "1"), action("a", "2"), action("b", "3"), action("b", "4")))
    assert parents(
        list(weigh(solution, weights={"a": 5, "b": 5}, parallelization={"a": 2, "b": 1}))
    ) == [
        ("1", ()),
        ("2", ()),
        ("3", (0, 1)),
        ("4", (2,)),
    ]


def test_numbers_from_a_configuration_file_are_compared_as_numbers() -> None:
    """As texts "9" would rank above "70"."""
    planned = weigh(Solution((action("a"), action("b"))), weights={"a": "9", "b": "70"})
    assert [p.action.type for p in planned] == ["b", "a"]


@pytest.mark.parametrize("value", ["many", 1.5, None, True, ""])
def test_a_value_that_is_no_whole_number_is_refused_with_option_and_type(value: object) -> None:
    with pytest.raises(InvalidValue, match="must be a whole number") as caught:
        WeightOptions(parallelization={"migrate": value})  # type: ignore[dict-item]
    assert caught.value.field == "parallelization[migrate]"


def test_less_than_one_at_a_time_counts_as_one() -> None:
    planned = weigh(Solution((action("nop"), action("nop"))), parallelization={"nop": 0})
    assert [p.parents for p in planned] == [(), (0,)]


def test_options_that_are_left_out_keep_their_defaults() -> None:
    planned = weigh(Solution((action("nop"), action("migrate"))), weights={"nop": 1})
    assert [p.action.type for p in planned] == ["migrate", "nop"]


def test_a_move_onto_a_host_that_is_being_left_waits_for_the_leaving() -> None:
    """A server in flight holds both ends: the room it leaves is not free before it has landed."""
    solution = Solution((move("a", "h1", "h2"), move("b", "h3", "h1"), move("c", "h4", "h5")))
    assert parents(list(weigh(solution))) == [
        ("a", ()),
        ("b", (0,)),
        ("c", (0,)),
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
