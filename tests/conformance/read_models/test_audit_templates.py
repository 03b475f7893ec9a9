from application.ports.read_models import Page
from domain.audit_templates import AuditTemplate
from domain.catalogue import PluginCatalogue
from tests.given import NOON, context, ident
from tests.world.histories import installed
from tests.world.values import started
from tests.world.world import World, names


def catalogue(world: World) -> None:
    opened = PluginCatalogue.open(context())
    started(opened, context(), installed())
    world.log.save(opened)


def template(
    number: int, name: str, *, goal: str = "dummy", strategy: str | None = None
) -> AuditTemplate:
    return AuditTemplate.create(
        context(number),
        ident(number),
        name=name,
        goal=goal,
        strategy=strategy,
        scope=[{"compute": [{"host_aggregates": [{"id": "*"}]}]}],
        default_parameters={"n": 1.5} if strategy else None,
    )


def test_a_template_shows_its_references(world: World) -> None:
    catalogue(world)
    world.save(template(1, "Nightly ÄÖ", strategy="dummy"))
    found = world.reads.audit_template("nightly äö")
    assert found is not None
    assert (found.uuid, found.name) == (ident(1), "Nightly ÄÖ")
    assert (found.goal_name, found.strategy_name) == ("dummy", "dummy")
    assert found.scope == [{"compute": [{"host_aggregates": [{"id": "*"}]}]}]
    assert found.default_parameters == {"n": 1.5}
    assert (found.description, found.created_at, found.updated_at) == (None, context(1).at, None)


def test_templates_are_filtered_by_goal_and_by_strategy(world: World) -> None:
    catalogue(world)
    world.save(
        template(1, "one", strategy="dummy"),
        template(2, "two"),
        template(3, "three", goal="server_consolidation", strategy="basic"),
    )
    listed = world.reads.audit_templates
    assert names(listed(Page(), {"goal": "DUMMY"})) == ["one", "two"]
    assert names(listed(Page(), {"goal": "dummy", "strategy": "dummy"})) == ["one"]
    assert names(listed(Page(), {"strategy": "basic"})) == ["three"]


def test_a_changed_template_shows_the_change_and_when(world: World) -> None:
    catalogue(world)
    one = template(1, "one", strategy="dummy")
    one.change(
        context(60),
        {
            "name": "renamed",
            "goal": "server_consolidation",
            "strategy": None,
            "default_parameters": {},
        },
    )
    world.save(one)
    found = world.reads.audit_template("renamed")
    assert found is not None
    assert (found.goal_name, found.strategy_uuid, found.strategy_name) == (
        "server_consolidation",
        None,
        None,
    )
    assert found.updated_at == context(60).at
    assert world.reads.audit_template("one") is None


def test_a_deleted_template_frees_its_name_and_the_living_one_is_found_first(world: World) -> None:
    catalogue(world)
    old = template(1, "nightly")
    old.delete(context(30))
    world.save(old, template(40, "nightly"))
    living = world.reads.audit_template("nightly", show_deleted=True)
    assert living is not None
    assert living.uuid == ident(40)
    assert names(world.reads.audit_templates(Page(), {})) == ["nightly"]
    assert len(world.reads.audit_templates(Page(show_deleted=True), {})) == 2
    gone = world.reads.audit_template(str(ident(1)), show_deleted=True)
    assert gone is not None
    assert gone.deleted_at == context(30).at
    assert gone.created_at == NOON.replace(second=1)
