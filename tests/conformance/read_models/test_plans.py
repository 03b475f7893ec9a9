from uuid import UUID

from application.ports.read_models import ActionPlanView, ActionView, Page
from domain.audits.audit import Audit
from domain.audits.events import AuditState
from domain.catalogue import PluginCatalogue
from domain.kernel.reasons import OWNER_LOST, Cause
from domain.optimization.strategy import NO_METRIC_KNOWN, NOTHING_TO_DO
from domain.plans import ActionPlan, EfficacyIndicator, PlanState
from domain.plans.events import ActionIntended, ActionSucceeded
from domain.plans.reasons import (
    ACTION_TYPE_UNKNOWN,
    DEADLINE_PASSED,
    EXPIRED,
    MIGRATION_REFUSED,
    SERVER_NOT_FOUND,
)
from tests.conformance.read_models.test_audits import request
from tests.given import context, ident
from tests.world.histories import installed
from tests.world.values import migrations, proposal, started
from tests.world.world import World, uuids


def published(
    world: World, actions: int = 4, number: int = 1, notes: tuple[Cause, ...] = ()
) -> tuple[Audit, ActionPlan]:
    opened = PluginCatalogue.open(context())
    started(opened, context(), installed())
    audit = request(number)
    run = audit.run.id if audit.run else ident(0)
    audit.claim_run(context(2), run, "engine/1", "ctl-1")
    wanted = proposal(
        audit.id,
        run,
        migrations(actions, required_each=3),
        record="ab" * 32,
        explanation="ef" * 32,
        indicators=(EfficacyIndicator("released", "Freed.", None, 1.0),),
        global_efficacy=(EfficacyIndicator("ratio", "Share.", "%", 33.3),),
        notes=notes if actions else (Cause(NOTHING_TO_DO),),
    )
    plan = ActionPlan.propose(context(3), wanted)
    audit.succeed_run(context(3), run, 1, plan.id)
    if number == 1:
        world.log.save(opened)
    world.save(plan, audit)
    return audit, plan


def running(world: World, actions: int = 4) -> tuple[ActionPlan, list[UUID]]:
    _, plan = published(world, actions)
    plan.launch(context(4))
    plan.claim(context(5), "applier/1", "ctl-2")
    return plan, list(plan.actions)


def shown(world: World, plan: ActionPlan) -> ActionPlanView:
    world.save(plan)
    found = world.reads.action_plan(plan.id, show_deleted=True)
    assert found is not None
    return found


def action(world: World, action_id: UUID) -> ActionView:
    found = world.reads.action(action_id)
    assert found is not None
    return found


def test_a_proposed_plan_shows_whence_it_comes_and_what_it_gains(world: World) -> None:
    audit, plan = published(world)
    found = shown(world, plan)
    assert (found.uuid, found.audit_uuid, found.audit_deleted) == (plan.id, audit.id, False)
    assert (found.goal_name, found.strategy_name) == ("server_consolidation", "basic")
    assert found.strategy_uuid is not None
    assert found.state == "RECOMMENDED"
    assert found.efficacy_indicators == [
        {"name": "released", "description": "Freed.", "unit": None, "value": 1.0}
    ]
    assert found.global_efficacy[0]["unit"] == "%"
    assert (found.record, found.explanation) == ("ab" * 32, "ef" * 32)
    assert (found.actions_total, found.actions_ended, found.actions_ongoing) == (4, 0, 0)
    assert (found.hostname, found.status_message, found.updated_at) == (None, None, None)
    assert found.created_at == context(3).at
    assert uuids(world.reads.recommended_plans(audit.id)) == [plan.id]
    assert world.reads.recommended_plans(ident(77)) == []


def test_the_actions_of_a_plan_are_listed_in_plan_order(world: World) -> None:
    _, plan = published(world)
    actions = world.reads.actions(Page(), {"action_plan_uuid": str(plan.id)})
    assert uuids(actions) == list(plan.actions)
    second = actions[1]
    assert (second.action_type, second.description) == ("migrate", "Moves it.")
    assert (second.state, second.parents) == ("PENDING", [str(actions[0].uuid)])
    assert second.input_parameters == {
        "resource_id": "server-1",
        "source_node": "cmp-1",
        "destination_node": "cmp-2",
    }
    assert second.because == "moving server-1 helps to empty cmp-1"
    assert second.action_plan_uuid == plan.id


def test_an_empty_plan_says_why_it_is_empty(world: World) -> None:
    _, plan = published(world, actions=0)
    found = shown(world, plan)
    assert (found.state, found.actions_total) == ("SUCCEEDED", 0)
    assert found.notes == ["The strategy found nothing to improve."]
    assert found.status_message == "The strategy found nothing to improve."


def test_the_first_note_of_a_plan_is_its_message_until_there_is_a_reason(world: World) -> None:
    """A plan without any known metric was proposed, launched and SUCCEEDED without a word of it."""
    note = Cause(NO_METRIC_KNOWN, {"strategy": "basic"})
    _, plan = published(world, actions=1, notes=(note,))
    assert shown(world, plan).status_message == str(note)
    plan.launch(context(4))
    plan.claim(context(5), "applier/1", "ctl-2")
    assert shown(world, plan).status_message == str(note)
    lost = Cause(OWNER_LOST, {"owner": "applier/1", "successor": "applier/2"})
    plan.claim(context(6), "applier/2", "ctl-2", takeover=lost)
    assert shown(world, plan).status_message == str(lost)
    (only,) = plan.actions
    plan.intend_action(context(7), 2, only, {})
    plan.succeed_action(context(8), 2, only, {})
    assert shown(world, plan).status_message == str(note)


def test_a_launched_plan_is_open_until_it_ends(world: World) -> None:
    _, plan = published(world, actions=1)
    plan.launch(context(4))
    position = world.save(plan)
    (waiting,) = world.reads.open_plans()
    assert (waiting.plan_id, waiting.state, waiting.owner) == (plan.id, "PENDING", None)
    assert waiting.position == position
    plan.claim(context(5), "applier/1", "ctl-2")
    assert shown(world, plan).hostname == "ctl-2"
    (held,) = world.reads.open_plans()
    assert (held.state, held.owner, held.position) == ("ONGOING", "applier/1", position)
    (only,) = plan.actions
    plan.intend_action(context(6), 1, only, {})
    plan.succeed_action(context(7), 1, only, {})
    ended = shown(world, plan)
    assert (ended.state, ended.status_message) == ("SUCCEEDED", None)
    assert (ended.actions_ended, ended.actions_ongoing) == (1, 0)
    assert world.reads.open_plans() == []


def test_progress_is_counted_and_a_second_attempt_does_not_count_twice(world: World) -> None:
    plan, ids = running(world)
    plan.intend_action(context(6), 1, ids[0], {})
    plan.intend_action(context(7), 1, ids[0], {})
    plan.acknowledge_action(context(8), 1, ids[0], {"migration": 4})
    found = shown(world, plan)
    assert (found.actions_ended, found.actions_ongoing) == (0, 1)
    first = action(world, ids[0])
    assert (first.state, first.attempt) == ("ONGOING", 2)
    assert (first.started_at, first.ended_at) == (context(6).at, None)
    plan.succeed_action(context(9), 1, ids[0], {})
    found = shown(world, plan)
    assert (found.actions_ended, found.actions_ongoing) == (1, 0)
    first = action(world, ids[0])
    assert (first.state, first.ended_at, first.status_message) == ("SUCCEEDED", context(9).at, None)


def test_a_failure_says_in_which_phase_and_why(world: World) -> None:
    plan, ids = running(world, actions=3)
    refused = Cause(MIGRATION_REFUSED, {"server": "s-0", "error": "no room"})
    plan.intend_action(context(6), 1, ids[0], {})
    plan.fail_action(context(7), 1, ids[0], refused)
    plan.fail_action(context(8), 1, ids[1], Cause(ACTION_TYPE_UNKNOWN, {"type": "fly"}))
    plan.skip_action(context(9), 1, ids[2], Cause(SERVER_NOT_FOUND, {"server": "s-2"}))
    found = shown(world, plan)
    assert action(world, ids[0]).status_message == (
        "Action failed in execute: the cloud refused to migrate server s-0: no room"
    )
    assert action(world, ids[1]).status_message == (
        "Action failed in pre_condition: action type fly does not exist"
    )
    assert action(world, ids[2]).status_message == (
        "Action was skipped automatically: server s-2 does not exist"
    )
    assert (found.state, found.status_message) == ("FAILED", "2 of 3 actions failed.")
    assert (found.actions_ended, found.actions_ongoing) == (3, 0)
    assert (found.actions_failed, found.actions_cancelled, found.actions_skipped) == (2, 0, 1)


def test_a_plan_with_skipped_actions_says_so_when_it_ends(world: World) -> None:
    plan, ids = running(world, actions=1)
    plan.skip_action(context(6), 1, ids[0], Cause(SERVER_NOT_FOUND, {"server": "s"}))
    found = shown(world, plan)
    assert (found.state, found.status_message) == ("SUCCEEDED", "One or more actions were skipped.")


def test_a_users_skip_reads_as_the_clients_expect(world: World) -> None:
    _, plan = published(world)
    silent, talkative = list(plan.actions)[:2]
    plan.skip_by_user(context(4), silent, None)
    plan.skip_by_user(context(5), talkative, "maintenance window")
    found = shown(world, plan)
    assert action(world, silent).status_message == "Action skipped by user."
    assert action(world, talkative).status_message == (
        "Action skipped by user. Reason: maintenance window"
    )
    assert action(world, talkative).state == "SKIPPED"
    assert found.actions_ended == 2
    plan.annotate(context(6), silent, "after all")
    plan.annotate(context(7), talkative, "y" * 300)
    shown(world, plan)
    assert action(world, silent).status_message == "Action skipped by user. Reason: after all"
    assert len(str(action(world, talkative).status_message)) == 255


def test_a_requirement_that_failed_cancels_its_dependants(world: World) -> None:
    plan, ids = running(world)
    for place in range(3):
        plan.intend_action(context(6 + place), 1, ids[place], {})
        if place < 2:
            plan.succeed_action(context(6 + place), 1, ids[place], {})
    plan.fail_action(context(9), 1, ids[2], Cause(DEADLINE_PASSED, {"seconds": 5}))
    shown(world, plan)
    last = action(world, ids[3])
    assert last.state == "CANCELLED"
    failed = plan.actions[ids[2]].spec.what
    assert last.status_message == f"Action {failed}, which this one requires, did not succeed."


def test_a_cancelled_plan_cancels_what_has_not_started(world: World) -> None:
    plan, ids = running(world, actions=2)
    plan.intend_action(context(6), 1, ids[0], {})
    plan.move(context(7), PlanState.CANCELLING)
    assert shown(world, plan).state == "CANCELLING"
    assert [one.state for one in world.reads.open_plans()] == ["CANCELLING"]
    plan.stop(context(8), 1)
    plan.succeed_action(context(9), 1, ids[0], {})
    found = shown(world, plan)
    assert (found.state, found.status_message) == ("CANCELLED", "Cancelled by user.")
    assert [one.state for one in world.reads.actions(Page(), {})] == ["SUCCEEDED", "CANCELLED"]
    assert (found.actions_total, found.actions_ended, found.actions_ongoing) == (2, 2, 0)


def test_a_superseded_plan_says_why(world: World) -> None:
    _, plan = published(world)
    plan.supersede(context(9), Cause(EXPIRED, {"hours": 24}))
    found = shown(world, plan)
    assert found.state == "SUPERSEDED"
    assert found.status_message == "The plan was not launched within 24 hours."
    assert world.reads.recommended_plans() == []


def test_a_deleted_plan_takes_its_actions_out_of_sight(world: World) -> None:
    _, plan = published(world)
    first = next(iter(plan.actions))
    plan.delete(context(9))
    gone = shown(world, plan)
    assert (gone.state, gone.deleted_at) == ("DELETED", context(9).at)
    assert world.reads.action_plan(plan.id) is None
    assert world.reads.action(first) is None
    assert world.reads.actions(Page(), {"action_plan_uuid": str(plan.id)}) == []
    hidden = world.reads.action(first, show_deleted=True)
    assert hidden is not None
    assert (hidden.state, hidden.deleted_at) == ("DELETED", context(9).at)
    assert len(world.reads.actions(Page(show_deleted=True), {})) == 4


def test_plans_of_a_deleted_audit_stay_and_are_still_found_by_it(world: World) -> None:
    audit, plan = published(world)
    audit.move(context(9), AuditState.DELETED)
    world.save(audit)
    (found,) = world.reads.action_plans(Page(), {"audit_uuid": str(audit.id)})
    assert (found.uuid, found.audit_uuid, found.audit_deleted) == (plan.id, None, True)
    embedded = world.reads.action_plan(plan.id, show_deleted=True)
    assert embedded is not None
    assert (embedded.audit_uuid, embedded.audit_deleted) == (audit.id, True)
    assert len(world.reads.actions(Page(), {"audit_uuid": str(audit.id)})) == 4


def test_plans_are_filtered_by_strategy_and_actions_by_audit(world: World) -> None:
    first_audit, first = published(world)
    _, second = published(world, actions=1, number=2)
    listed = world.reads.action_plans
    assert uuids(listed(Page(), {"strategy": "BASIC"})) == [first.id, second.id]
    strategy = world.reads.strategy("basic")
    assert strategy is not None
    assert uuids(listed(Page(), {"strategy": str(strategy.uuid)})) == [first.id, second.id]
    assert listed(Page(), {"strategy": "other"}) == []
    actions = world.reads.actions(Page(), {"audit_uuid": str(first_audit.id)})
    assert uuids(actions) == list(first.actions)


def test_a_tally_counts_plans_and_the_actions_of_open_ones(world: World) -> None:
    plan, actions = running(world)
    plan.intend_action(context(6), 1, actions[0], {})
    _, idle = published(world, 2, number=2)
    world.save(plan)
    tally = world.reads.state_counts()
    assert tally.plans == {"ONGOING": 1, "RECOMMENDED": 1}
    assert tally.actions == {"ONGOING": 1, "PENDING": 3}
    idle.delete(context(7))
    world.save(idle)
    assert world.reads.state_counts().plans == {"ONGOING": 1}


def test_moves_are_found_while_they_are_in_flight_and_for_a_while_after(world: World) -> None:
    plan, ids = running(world)
    plan.intend_action(context(6), plan.epoch, ids[0], {})
    plan.succeed_action(context(7), plan.epoch, ids[0], {})
    plan.intend_action(context(8), plan.epoch, ids[1], {})
    world.save(plan)
    assert [(m.server, m.ended_at) for m in world.reads.moves_since(context(7).at)] == [
        ("server-0", context(7).at),
        ("server-1", None),
    ]
    (flying,) = world.reads.moves_since(context(9).at)
    assert (flying.server, flying.started_at) == ("server-1", context(8).at)
    assert (flying.source, flying.destination) == ("cmp-1", "cmp-2")


def test_a_move_that_failed_or_was_not_begun_is_no_move(world: World) -> None:
    plan, ids = running(world)
    plan.intend_action(context(6), plan.epoch, ids[0], {})
    plan.fail_action(context(7), plan.epoch, ids[0], Cause(DEADLINE_PASSED, {"seconds": 1}))
    world.save(plan)
    assert world.reads.moves_since(context(0).at) == []


def test_servers_whose_latest_migration_failed_are_found_by_their_audit(world: World) -> None:
    plan, ids = running(world)
    for at, action in enumerate(ids[:2]):
        plan.intend_action(context(6 + 2 * at), plan.epoch, action, {})
        because = Cause(DEADLINE_PASSED, {"seconds": 1})
        plan.fail_action(context(7 + 2 * at), plan.epoch, action, because)
    world.save(plan)
    assert world.reads.failed_moves(plan.audit_id) == ["server-0", "server-1"]
    assert world.reads.failed_moves(plan.id) == []


def test_the_newest_event_of_plans_with_other_actions_than_harmless_ones_is_found(
    world: World,
) -> None:
    topics = (ActionIntended.TOPIC, ActionSucceeded.TOPIC)
    plan, ids = running(world)
    world.save(plan)
    assert world.reads.last_plan_event(topics, without=()) is None
    plan.intend_action(context(6), plan.epoch, ids[0], {})
    plan.succeed_action(context(7), plan.epoch, ids[0], {})
    world.save(plan)
    assert world.reads.last_plan_event(topics, without=("nop",)) == context(7).at
    assert world.reads.last_plan_event(topics[:1], without=()) == context(6).at
    assert world.reads.last_plan_event(topics, without=("nop", "migrate")) is None


def test_actions_that_have_not_ended_are_known_with_their_beginnings(world: World) -> None:
    plan, (first, second, *others) = running(world)
    plan.intend_action(context(6), 1, first, {})
    plan.succeed_action(context(7), 1, first, {})
    plan.intend_action(context(8), 1, second, {})
    world.save(plan)
    found = world.reads.unended_actions(plan.id)
    assert found == {second: context(8).at, **dict.fromkeys(others)}
