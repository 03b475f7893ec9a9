from interfaces.terminal.viewer.keys import KEYS
from tests.golden.viewer import example
from tests.integration.viewer.api import PreparedApi
from tests.integration.viewer.driving import Driver, drive

BECAUSE = "compute-01 is emptied: its servers fit on other hosts."


def test_the_reason_of_a_move_is_three_keys_from_the_first_screen(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("2", "j", "w")
        await driver.until(BECAUSE)

    drive(api, story, (80, 24))


def test_why_on_the_first_screen_shows_the_reasons_of_all_moves_of_a_plan(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("w")
        await driver.until("12 actions, 1 alternatives rejected")
        assert driver.screen.count(BECAUSE) > 10
        assert "web-13 is locked." in driver.screen

    drive(api, story, (120, 60))


def test_enter_leads_from_an_audit_to_the_decisions_about_a_server(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("3", "enter")
        await driver.until("overview > audit nightly")
        await driver.press("enter")
        await driver.until("plan 00000031")
        await driver.until("12: 2 succeeded, 1 failed")
        await driver.press("j", "j", "j", "enter")
        await driver.until("> action web-04")
        await driver.press("enter")
        await driver.until("> server web-04")
        await driver.until(BECAUSE)
        assert "not chosen: server web-13: web-13 is locked." in driver.screen
        for _ in range(4):
            await driver.press("escape")
        assert "overview >" not in driver.screen

    drive(api, story, (160, 50))


def test_a_filter_narrows_while_it_is_entered_and_escape_ends_it(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("slash", *"fail")
        assert "1 of 4  filter 'fail'" in driver.screen
        await driver.press("enter")
        assert "00000032" not in driver.screen
        await driver.press("escape")
        assert "00000032" in driver.screen

    drive(api, story)


def test_an_inverted_filter_hides_rows(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("2", "slash")
        await driver.enter("!pending !ongoing")
        assert "3 of 12" in driver.screen

    drive(api, story)


def test_commands_jump_and_complete_names(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("colon", *"host compute-01", "enter")
        await driver.until("> host compute-01")
        await driver.press("colon", *"plan 00000031", "enter")
        await driver.until("> plan 00000031")
        await driver.press("colon", *"server web-04", "right", "enter")
        await driver.until("> server web-04")
        await driver.press("escape", "colon", *"audit", "enter")
        await driver.until("AUDITS  4")
        await driver.press("colon", *"nonsense", "enter")
        await driver.until(":nonsense is no command")

    drive(api, story)


def test_a_launch_on_a_real_cloud_needs_the_whole_word(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("j", "L")
        assert "Launch plan 00000032 (7 moves) on the LIVE CLOUD production?" in driver.screen
        await driver.enter("y")
        await driver.until("nothing was changed")
        assert api.written == []
        await driver.press("L")
        await driver.enter("yes")
        await driver.until("done: Launch plan")

    drive(api, story)
    assert api.written == [("POST", f"/v1/action_plans/{example.ident(0x32)}/start", None)]


def test_a_running_plan_is_cancelled_and_a_finished_one_is_not(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("C")
        await driver.enter("yes")
        await driver.until("done: Cancel plan 00000031")
        await driver.press("j", "j", "C")
        assert "this plan is FAILED" in driver.screen

    drive(api, story)
    patch = [{"op": "replace", "path": "/state", "value": "CANCELLING"}]
    assert api.written == [("PATCH", f"/v1/action_plans/{example.ident(0x31)}", patch)]


def test_a_skipped_action_and_a_suspension_need_a_reason(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("2", "G", "X")
        await driver.enter("")
        await driver.until("there is no reason")
        await driver.press("X")
        await driver.enter("its owner asked")
        await driver.enter("yes")
        await driver.until("done: Skip the action web-12")
        await driver.press("A")
        await driver.enter("storage maintenance")
        await driver.enter("yes")
        await driver.until("done: Suspend all changes")

    drive(api, story)
    skip, suspend = api.written
    assert skip[1] == f"/v1/actions/{example.ident(0x10C)}"
    assert [one["value"] for one in skip[2]] == ["SKIPPED", "its owner asked"]
    assert suspend == ("PUT", "/v1/actuation", {"state": "off", "reason": "storage maintenance"})


def test_an_arrow_shows_the_past_in_words_and_end_returns_to_now(api: PreparedApi) -> None:
    for number in (0x11, 0x12, 0x13, 0x14):
        api.answers[f"/v1/audits/{example.ident(number)}"] = api.answers[
            f"/v1/audits/{example.ident(0x11)}"
        ]

    async def story(driver: Driver) -> None:
        await driver.press("left")
        await driver.until("PAST  log position 416")
        await driver.press("L")
        await driver.until("this is the past: End returns to now")
        await driver.press("left")
        await driver.until("PAST  log position 415")
        await driver.press("end")
        await driver.until("00000032")
        assert "PAST" not in driver.screen

    drive(api, story)
    assert ("/v1/hosts", {"at": "416"}) in api.asked


def test_without_the_database_the_command_of_the_debugger_is_shown(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("7", "r")
        assert "the database of this API is not at hand" in driver.screen
        assert "vigil replay open 421" in driver.screen
        await driver.press("6", "r")
        assert "the debugger opens at an event" in driver.screen

    drive(api, story)


def test_every_key_of_the_help_does_something(api: PreparedApi) -> None:
    async def story(driver: Driver) -> None:
        for key in KEYS:
            name = key.action.partition("(")[0]
            assert hasattr(driver.app, f"action_{name}"), key
        await driver.press("question_mark")
        await driver.until("KEYS AND COMMANDS")

    drive(api, story)
