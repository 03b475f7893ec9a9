"""Nouns and verbs of the command line against an API that runs; every example of every help."""

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.catalogue import PluginDefinition, PluginKind
from domain.cluster_models import ClusterModel
from interfaces.cli.main import main
from interfaces.cli.nouns.catalogue import NOUNS
from tests.given import context
from tests.integration.rest.serving import served
from tests.world.api import ApiWorld, installed
from tests.world.collected import collect

EXAMPLES = [example for noun in NOUNS.values() for verb in noun.verbs for example in verb.examples]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    with ApiWorld(tmp_path_factory.mktemp("api")) as opened:
        collect(opened, ClusterModel.open(context(), "default", "compute"))
        yield opened


@pytest.fixture(scope="module")
def url(api: ApiWorld) -> Iterator[str]:
    with served(api, workers=1) as found:
        yield found


@pytest.fixture(autouse=True)
def _named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_URL", url)


class Vigil:
    """Runs `vigil …` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        """Its output."""
        assert main(words) == code, self._capsys.readouterr().err
        return self._capsys.readouterr().out

    def json(self, *words: str) -> Any:
        """The document that it prints."""
        return json.loads(self(*words, "-o", "json"))

    def fails(self, code: int, *words: str) -> list[str]:
        """The lines of its error."""
        try:
            ended: object = main(words)
        except SystemExit as wrong:
            ended = wrong.code
        assert ended == code
        shown = self._capsys.readouterr()
        assert shown.out == ""
        return shown.err.splitlines()


@pytest.fixture
def vigil(capsys: pytest.CaptureFixture[str]) -> Vigil:
    return Vigil(capsys)


@pytest.fixture
def names(api: ApiWorld) -> Mapping[str, str]:
    """What the words in capitals of the examples stand for."""
    audits = {
        "AUDIT": api.audit(),
        "CONTINUOUS": api.audit(audit_type="CONTINUOUS", interval="3600"),
        "EVENT": api.audit(audit_type="EVENT"),
        "ONGOING": api.audit(audit_type="CONTINUOUS", interval="3600"),
        "SUSPENDED": api.audit(audit_type="CONTINUOUS", interval="3600"),
        "ENDED": api.audit(),
    }
    for name, state in (
        ("ONGOING", "ONGOING"),
        ("SUSPENDED", "SUSPENDED"),
        ("ENDED", "SUCCEEDED"),
    ):
        api.put_audit(audits[name]["uuid"], state)
    plan = api.plan(audits["AUDIT"]["uuid"])["uuid"]
    return {
        **{name: one["uuid"] for name, one in audits.items()},
        "PLAN": plan,
        "OTHER": api.plan()["uuid"],
        "DONE": api.plan(state="SUCCEEDED")["uuid"],
        "ACTION": api.actions(plan)[0]["uuid"],
        "TEMPLATE": api.template()["name"],
        "HOST": "cmp-1",
        "SERVER": "web",
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_a_help_works(
    example: str, names: Mapping[str, str], vigil: Vigil
) -> None:
    words = [_replaced(word, names) for word in shlex.split(example)]
    assert vigil(*words).strip()


def _replaced(word: str, names: Mapping[str, str]) -> str:
    start, equals, value = word.partition("=")
    return f"{start}={names.get(value, value)}" if equals else names.get(word, word)


def test_every_verb_has_an_example() -> None:
    for noun in NOUNS.values():
        for verb in noun.verbs:
            assert verb.examples, (noun.name, verb.name)
            assert all(one.split()[:2] == [noun.name, verb.name] for one in verb.examples)


def test_an_audit_goes_from_its_creation_to_its_deletion(api: ApiWorld, vigil: Vigil) -> None:
    given = ["--goal", "dummy", "--strategy", "dummy", "--param", "para1=4.5"]
    made = vigil.json("audit", "create", "--name", "short life", *given)
    assert (made["name"], made["parameters"]["para1"]) == ("short life", 4.5)
    assert made == vigil.json("audit", "show", "short life")
    assert made == vigil.json("audit", "show", made["uuid"][:13])
    changed = vigil.json("audit", "update", "short life", "--name", "long life", "--auto-trigger")
    assert (changed["name"], changed["auto_trigger"]) == ("long life", True)
    assert vigil("audit", "cancel", "long life") == "cancelled audit long life: CANCELLED\n"
    assert vigil("audit", "delete", "long life") == "deleted audit long life\n"
    assert vigil.fails(3, "audit", "show", made["uuid"])


def test_a_plan_is_started_by_the_beginning_of_its_uuid(api: ApiWorld, vigil: Vigil) -> None:
    plan = api.plan()["uuid"]
    shown = vigil("plan", "show", plan[:18])
    assert "server-0: cmp-1 -> cmp-2" in shown
    assert "RECOMMENDED" in shown
    assert vigil("plan", "start", plan[:18]) == f"started plan {plan}: PENDING\n"
    assert vigil("plan", "cancel", plan) == f"cancelled plan {plan}: CANCELLED\n"
    assert "CANCELLED" in vigil.fails(4, "plan", "start", plan)[0]


def test_a_reason_is_stored_with_a_skipped_action(api: ApiWorld, vigil: Vigil) -> None:
    action = api.actions(api.plan()["uuid"])[0]["uuid"]
    vigil("action", "skip", action, "--reason", "it is in use")
    assert "it is in use" in api.get(f"/v1/actions/{action}")["status_message"]


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["audti", "list"], 2, "did you mean 'audit'?"),
        (["audit", "lisst"], 2, "did you mean 'list'?"),
        (["goal", "show", "server_consolidatoin"], 3, "did you mean server_consolidation?"),
        (["strategy", "show", "dumy"], 3, "did you mean dummy?"),
        (["host", "show", "cmp-11"], 3, "did you mean cmp-1?"),
        (["service", "list", "--sort", "zone"], 4, None),
        (["audit", "list", "--filter", "color=red"], 2, "filters are NAME=VALUE"),
        (["host", "list", "--sort", "name"], 2, "leave it out"),
        (["audit", "update", "x"], 2, "--help lists what can be"),
        (["goal", "list", "--url", "http://127.0.0.1:1"], 5, "is it running"),
        (["goal", "list", "--data", "/nonexistent"], 5, "start `vigil up` here"),
        (["goal", "list", "--url", "nonsense"], 5, None),
    ],
)
def test_an_error_says_what_is_wrong_and_what_to_do(
    vigil: Vigil, words: list[str], code: int, hint: str | None
) -> None:
    lines = vigil.fails(code, *words)
    assert lines[0].startswith("vigil: error: ")
    assert len(lines) == (1 if hint is None else 2)
    if hint is not None:
        assert lines[1].startswith(f"vigil: hint: {hint}")


def test_a_beginning_that_several_have_names_none(api: ApiWorld, vigil: Vigil) -> None:
    api.template(name="twin one")
    api.template(name="twin two")
    error, hint = vigil.fails(3, "template", "show", "twin")
    assert "2 templates match twin: " in error
    assert "twin one" in error
    assert hint == "vigil: hint: type more of it"
    assert vigil.json("template", "show", "twin o")["name"] == "twin one"


def test_the_same_rows_have_five_forms(api: ApiWorld, vigil: Vigil) -> None:
    audit = api.audit(name="of many forms")
    rows = vigil.json("audit", "list")
    assert audit["uuid"] in [one["uuid"] for one in rows]
    assert yaml.safe_load(vigil("audit", "list", "-o", "yaml")) == rows
    assert "of many forms" in vigil("audit", "list", "-o", "name").splitlines()
    table, wide = (vigil("audit", "list", "-o", one).splitlines() for one in ("table", "wide"))
    assert table[0].split()[:4] == ["UUID", "NAME", "TYPE", "STATE"]
    assert "CREATED" in wide[0]
    assert "CREATED" not in table[0]
    (line,) = (one for one in wide if "of many forms" in one)
    assert "s ago" in line
    assert audit["uuid"] in line


def test_a_list_has_the_order_that_was_asked_for(api: ApiWorld, vigil: Vigil) -> None:
    for number in range(5):
        api.template(name=f"page {number}")
    names = [one["name"] for one in vigil.json("template", "list", "--sort", "name:desc")]
    assert names == sorted(names, reverse=True)
    assert len(vigil.json("template", "list", "--limit", "3")) == 3


def test_goals_name_their_strategies(vigil: Vigil) -> None:
    lines = dict(line.split("  ", 1) for line in vigil("goal", "list").splitlines()[1:])
    assert lines["dummy"].strip() == "dummy, dummy_with_scorer"


def test_what_was_removed_and_goals_without_a_strategy_are_marked(
    tmp_path: Path, vigil: Vigil
) -> None:
    lonely = PluginDefinition(PluginKind.GOAL, "lonely", "Lonely", {})
    with ApiWorld(tmp_path) as api, served(api, workers=1) as url:
        api.template(name="nightly", goal="server_consolidation", strategy="basic")
        left = [one for one in installed() if one.name != "basic"]
        api.settle(api.install([*left, lonely]).position)
        goals = vigil("goal", "list", "--url", url).splitlines()
        assert "lonely                no strategy: audits are refused" in goals
        assert "server_consolidation  no strategy: audits are refused basic (removed)" in goals
        (line,) = vigil("template", "list", "--url", url).splitlines()[1:]
        assert "basic (removed)" in line


def test_new_events_are_followed(api: ApiWorld, vigil: Vigil) -> None:
    end = api.log.end()
    audit = api.audit()["uuid"]
    words = ["event", "list", "-f", "--limit", "1", "--filter", f"after={end}"]
    event = json.loads(vigil(*words, "--filter", f"aggregate_id={audit}", "-o", "json"))
    assert (event["type"], event["aggregate_id"]) == ("audit.requested", audit)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_that_knows_the_verbs(shell: str, vigil: Vigil) -> None:
    script = vigil("completion", shell)
    assert all(word in script for word in ("scoring-engine", "explain", "--os-cloud"))
