"""The web view in a browser, on a real installation with a simulated cloud."""

import pytest

from tests.browser import Browser
from tests.integration.web.conftest import HOSTILE, Installation, needs_browser

pytestmark = [needs_browser, pytest.mark.timeout(240)]

SCREENS = ["", "audits", "plans", "hosts", "servers", "events"]
REASON = "//*[@data-reason]"
STATE = "//section[contains(., 'Action plan ')]//dd//*[contains(@class, 'state')]"


def screens(installation: Installation) -> list[tuple[str, ...]]:
    """The path of every screen, with things that exist."""
    action = installation.get(f"/v1/action_plans/{installation.plan}/actions")["actions"][0]
    return [
        *((one,) for one in SCREENS),
        ("audits", installation.audit),
        ("plans", installation.plan),
        ("plans", installation.plan, "actions", action["uuid"]),
        ("search", "compute"),
    ]


def settled(browser: Browser) -> None:
    """Waits until a screen shows what it has read."""
    browser.find("//*[@data-health and @data-health != 'unknown']")
    browser.until(lambda: not browser.run("return document.body.innerText.includes('Loading …')"))


def test_every_screen_opens_without_a_complaint_of_the_browser(
    installation: Installation, browser: Browser
) -> None:
    """Errors of scripts, refused requests and breaches of the policy are on the console."""
    for path in screens(installation):
        browser.open(installation.page(*path))
        settled(browser)
        assert browser.run("return document.querySelector('main .error')?.innerText") is None, path
        assert browser.complaints() == [], path


def test_a_complaint_would_be_found(installation: Installation, browser: Browser) -> None:
    """The control: an inline script is refused, and the refusal is on the console."""
    browser.open(installation.page())
    settled(browser)
    browser.run(
        "const s = document.createElement('style'); document.head.append(s);"
        "s.textContent = 'body { color: red }'"
    )
    assert any("Content Security Policy" in text for text in browser.complaints())


def test_the_reason_of_a_move_is_at_most_four_clicks_away(
    installation: Installation, browser: Browser
) -> None:
    browser.open(installation.page())
    clicks = [
        "//nav//a[.='Plans']",
        f"//main//a[contains(@href, '{installation.plan}')]",
        "//*[name()='svg']//*[name()='a'][contains(@aria-label, 'migrate')]",
    ]
    for one in clicks:
        browser.click(one)
    action = str(browser.run("return location.hash")).rpartition("/")[2]
    explained = installation.get(f"/v1/action_plans/{installation.plan}/explanation")["moves"]
    [move] = [one for one in explained if one["action_uuid"] == action]
    assert browser.text(REASON) == move["because"]["text"] != ""
    assert len(clicks) <= 4


def test_the_slider_shows_the_plan_as_it_was(installation: Installation, browser: Browser) -> None:
    browser.open(installation.page("plans", installation.plan))
    browser.until(lambda: "SUCCEEDED" in browser.text(STATE))
    browser.until(
        lambda: browser.run(
            "return document.querySelector('input[type=range]').max - arguments[0] >= 0",
            installation.launched,
        ),
        "the end of the log is known",
    )
    browser.run(
        "const slider = document.querySelector('input[type=range]'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input', {bubbles: true}))",
        installation.launched,
    )
    browser.until(lambda: "RECOMMENDED" in browser.text(STATE))
    assert f"position {installation.launched}" in browser.text("//output")
    plans = f"//main//tr[contains(., '{installation.plan[:8]}')]"
    browser.click("//nav//a[.='Plans']")
    browser.until(lambda: "RECOMMENDED" in browser.text(plans), "the list of plans of then")
    browser.run("history.back()")
    waiting = "//*[name()='svg']//*[name()='a'][contains(@aria-label, ': PENDING')]"
    assert browser.find(waiting)
    browser.press("n")
    browser.until(lambda: "SUCCEEDED" in browser.text(STATE))


@pytest.mark.parametrize("dark", [False, True])
def test_no_screen_scrolls_sideways_on_a_phone(installation: Installation, dark: bool) -> None:
    with Browser(375, 812, dark=dark) as phone:
        for path in screens(installation):
            phone.open(installation.page(*path))
            settled(phone)
            assert phone.run("return document.documentElement.scrollWidth") <= 375, path


def test_names_are_text(installation: Installation, browser: Browser) -> None:
    browser.open(installation.page("audits"))
    assert browser.text("//main//a[contains(., 'img')]") == HOSTILE
    assert browser.run("return document.querySelectorAll('img').length") == 0


def test_keys_lead_everywhere(installation: Installation, browser: Browser) -> None:
    browser.open(installation.page())
    settled(browser)
    browser.press("3")
    browser.find("//h2[.='Action plans']")
    browser.press("?")
    assert "one event back" in browser.text("//dialog")
    browser.press("\ue00c")
    browser.press("/")
    assert browser.run("return document.activeElement.dataset.search") is not None


def test_without_an_answer_nothing_is_called_healthy_and_the_picture_is_called_old(
    installation: Installation, browser: Browser
) -> None:
    browser.open(installation.page())
    browser.find("//*[@data-health = 'ok']")
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.devtools("Network.enable", {})
    browser.devtools("Network.emulateNetworkConditions", offline)
    try:
        assert "No answer from the API" in browser.text("//*[@data-health = 'failed']")
        assert browser.run("return document.documentElement.classList.contains('old')")
        assert "consolidation" in browser.text("//main"), "the last picture stays"
    finally:
        browser.devtools("Network.emulateNetworkConditions", {**offline, "offline": False})
    browser.find("//*[@data-health = 'ok']")
