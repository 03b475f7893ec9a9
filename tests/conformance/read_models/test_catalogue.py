from application.ports.read_models import Page
from domain.catalogue import PluginCatalogue
from domain.catalogue.definitions import PluginKind
from domain.kernel.ids import definition_id
from tests.given import NOON, context
from tests.world.histories import installed
from tests.world.values import started
from tests.world.world import World, names


def catalogue(world: World) -> PluginCatalogue:
    opened = PluginCatalogue.open(context())
    started(opened, context(), installed())
    world.save(opened)
    return opened


def test_what_is_installed_is_listed_in_the_order_of_registration(world: World) -> None:
    catalogue(world)
    assert names(world.reads.goals(Page())) == [
        "dummy",
        "server_consolidation",
        "workload_balancing",
    ]
    assert names(world.reads.strategies(Page(), {})) == ["basic", "dummy", "stabilise"]
    assert names(world.reads.scoring_engines(Page())) == ["dummy_scorer"]


def test_a_goal_shows_what_it_says_about_itself(world: World) -> None:
    catalogue(world)
    goal = world.reads.goal("dummy")
    assert goal is not None
    assert goal.uuid == definition_id(PluginKind.GOAL, "dummy")
    assert goal.display_name == "Dummy"
    assert goal.efficacy_specification[0]["schema"] == "{}"
    assert (goal.created_at, goal.updated_at, goal.deleted_at) == (NOON, None, None)


def test_a_definition_is_found_by_name_in_any_case_by_uuid_and_by_number(world: World) -> None:
    catalogue(world)
    goal = world.reads.goal("DUMMY")
    assert goal is not None
    assert world.reads.goal(str(goal.uuid).upper()) == goal
    assert world.reads.goal(goal.uuid.hex) == goal
    assert world.reads.goal(str(goal.id)) == goal
    assert world.reads.goal("dumm") is None
    assert world.reads.goal("9" * 40) is None


def test_a_strategy_names_its_goal_and_is_found_by_it(world: World) -> None:
    catalogue(world)
    by_name = world.reads.strategies(Page(), {"goal": "Server_Consolidation"})
    goal = definition_id(PluginKind.GOAL, "server_consolidation")
    assert names(by_name) == ["basic"]
    assert (by_name[0].goal_uuid, by_name[0].goal_name) == (goal, "server_consolidation")
    assert world.reads.strategies(Page(), {"goal": str(goal)}) == by_name
    assert world.reads.strategies(Page(), {"goal": "no such goal"}) == []


def test_a_retired_goal_disappears_and_references_to_it_show_as_null(world: World) -> None:
    opened = catalogue(world)
    started(opened, context(60), installed(without="dummy"))
    without_goal = [one for one in installed() if one.id != definition_id(PluginKind.GOAL, "dummy")]
    started(opened, context(90), without_goal)
    world.save(opened)
    assert world.reads.goal("dummy") is None
    strategy = world.reads.strategy("dummy")
    assert strategy is not None
    assert (strategy.goal_uuid, strategy.goal_name) == (None, None)
    embedded = world.reads.strategy("dummy", show_deleted=True)
    assert embedded is not None
    assert embedded.goal_name == "dummy"
    gone = world.reads.goal("dummy", show_deleted=True)
    assert gone is not None
    assert gone.deleted_at is not None
    assert len(world.reads.goals(Page(show_deleted=True))) == 3


def test_a_plug_in_that_returns_is_the_same_row_again(world: World) -> None:
    opened = catalogue(world)
    before = world.reads.goal("dummy")
    started(opened, context(60), installed(without="dummy"))
    started(opened, context(120), installed(suffix=" again"))
    world.save(opened)
    after = world.reads.goal("dummy")
    assert before is not None
    assert after is not None
    assert (after.id, after.uuid, after.created_at) == (before.id, before.uuid, before.created_at)
    assert after.display_name == "Dummy again"
    assert after.updated_at == context(120).at
    assert after.deleted_at is None


def test_a_scoring_engine_shows_its_metainfo(world: World) -> None:
    catalogue(world)
    engine = world.reads.scoring_engine("Dummy_Scorer")
    assert engine is not None
    assert (engine.description, engine.metainfo) == ("Scores.", "{}")
