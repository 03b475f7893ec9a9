"""`vigil notifier` and `vigil notifications`: when they run, and what they print."""

import threading
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from application.notifier.publisher import PER_EVENT
from infrastructure.settings import LoadedSettings, load
from interfaces.bootstrap.database import opened, upgrade
from interfaces.bootstrap.roles.notifier import prepare
from interfaces.cli.installation_plan import plan
from interfaces.cli.main import main
from tests.conformance.notifier.consumers import SECRET, Receiver
from tests.integration.notifier.publishing import until, webhooks, words
from tests.unit.notifier import lives
from tests.world.notifications import composed

ON = {"vigil.webhooks": "siem:http://127.0.0.1:9/", "vigil.webhook_secrets": f"siem:{SECRET}"}


@pytest.mark.parametrize(
    ("options", "runs"),
    [
        (ON, True),
        ({"vigil.nats_notifications": "true"}, True),
        ({**ON, "DEFAULT.notification_level": "off"}, False),
        ({}, False),
    ],
    ids=["webhook", "nats", "off", "nothing"],
)
def test_up_runs_a_notifier_if_a_transport_is_configured(
    tmp_path: Path, options: dict[str, str], runs: bool
) -> None:
    chosen = {**options, "vigil.data_dir": str(tmp_path)}

    def again(more: dict[str, str]) -> LoadedSettings:
        return load(flags={**chosen, **more}, files=())

    with closing(plan(again({}), again)) as installation:
        names = [spec.name for spec in installation.specs()]
    assert ("notifier" in names) == runs


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "one must be set for a notifier"),
        ({**ON, "DEFAULT.notification_level": "off"}, "notification_level must not be off"),
        ({"vigil.nats_notifications": "true"}, "[vigil] nats_url: must be set"),
    ],
)
def test_a_notifier_without_anything_to_do_says_what_is_missing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, str],
    problem: str,
) -> None:
    status = main(["notifier", *words({**options, "vigil.data_dir": str(tmp_path)})])
    assert status == 2
    assert problem in " ".join(capsys.readouterr().err.split())


def test_what_was_given_up_is_listed_and_sent_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Receiver()) as receiver:
        options = webhooks(tmp_path, siem=receiver.url)
        settings = load(flags=options, files=()).settings
        upgrade(settings)
        with opened(settings) as database:
            audit = lives.audit(database.log, 1)
            name = "webhook siem"
            database.transports.create(name, 1, "vigil-notifier/host-1/1/1")
            database.poison.put(name, "audit.create", PER_EVENT, deliveries=4, error="HTTP 400")
        assert main(["notifications", "status", *words(options)]) == 0
        shown = capsys.readouterr().out
        assert "given up: audit.create of position 1 after 4 attempts: HTTP 400" in shown
        receiver.answer = lambda _: 400
        assert main(["notifications", "resend", *words(options)]) == 1
        assert "HTTP status 400" in capsys.readouterr().out
        receiver.answer = lambda _: 200
        assert main(["notifications", "resend", "webhook siem", *words(options)]) == 0
        assert [UUID(str(event["subject"])) for event in receiver.events()] == [audit.id]
        capsys.readouterr()
        assert main(["notifications", "status", *words(options)]) == 0
        assert "given up:" not in capsys.readouterr().out
        assert main(["notifications", "forget", name, *words(options)]) == 0
        assert main(["notifications", "forget", name, *words(options)]) == 1
        assert main(["notifications", "resend", "nats", *words(options)]) == 1


def test_a_receiver_that_fails_for_long_holds_up_no_other(tmp_path: Path) -> None:
    """It holds its own transport, for ``webhook_give_up`` at most; it gets the rest after that."""
    with closing(Receiver()) as bad, closing(Receiver()) as good:
        bad.answer = lambda _: 500
        settings = load(flags=webhooks(tmp_path, bad=bad.url, good=good.url), files=()).settings
        upgrade(settings)
        stop = threading.Event()
        with opened(settings) as database:
            for name in ("bad", "good"):
                database.transports.create(f"webhook {name}", 0, "nobody")
            lives.catalogue(database.log)
            lives.executed(database.log, 1, None)
            thread = threading.Thread(target=prepare(settings, database, stop))
            thread.start()
            try:
                first = len(composed(database.log))
                until(lambda: len(good.received()) == first and bad.asked, "one has everything")
                lives.executed(database.log, 2, None)
                wanted = len(composed(database.log))
                until(lambda: len(good.received()) == wanted, "also what comes later")
                held = database.transports.find("webhook bad")
                assert held is not None
                assert (held.position, bad.received()) == (0, [])
                bad.answer = lambda _: 200
                until(lambda: len(set(bad.received())) == wanted, "the other one, too")
            finally:
                stop.set()
                thread.join(30)
    assert not thread.is_alive()
