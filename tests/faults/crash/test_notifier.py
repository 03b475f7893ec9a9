"""A notifier that is killed between a delivery and the stored position."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from infrastructure.settings import load
from interfaces.bootstrap.database import opened, upgrade
from tests.conformance.notifier.consumers import Receiver
from tests.integration.notifier.publishing import until, webhooks, words
from tests.unit.notifier import lives
from tests.world.notifications import composed

HASTE = {"DEFAULT.service_down_time": "2", "DEFAULT.periodic_interval": "0.5"}
"""The successor of a killed notifier takes over after two seconds."""


@contextmanager
def notifier(options: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`vigil notifier` as a process of its own."""
    command = [sys.executable, "-m", "interfaces.cli.main", "notifier", *words(options)]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.kill()
        process.wait(20)


@pytest.mark.parametrize("deadly", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_a_notifier_that_is_killed_after_a_delivery_loses_nothing(
    tmp_path: Path, deadly: int
) -> None:
    """Its successor sends some again, with the same ids, and the order of each object holds."""
    with closing(Receiver()) as receiver:
        options = {**webhooks(tmp_path, siem=receiver.url), **HASTE}
        settings = load(flags=options, files=()).settings
        upgrade(settings)
        with opened(settings) as database:
            lives.catalogue(database.log)
            database.transports.create("webhook siem", 0, "nobody")
            lives.executed(database.log, 1, None, lives.FAILED, None)
            wanted = composed(database.log)
            with notifier(options) as first:

                def kills(_: dict[str, Any]) -> int:
                    if len(receiver.asked) + 1 == deadly:
                        os.kill(first.pid, signal.SIGKILL)
                    return 200

                receiver.answer = kills
                first.wait(60)
            assert 0 < len(receiver.received()) < len(wanted)
            receiver.answer = lambda _: 200
            with notifier(options):
                until(lambda: len(set(receiver.received())) == len(wanted), "all arrive", 60)
            found = database.transports.find("webhook siem")
            assert found is not None
    received = list(dict.fromkeys(receiver.received()))
    for about in {one.about for one in wanted}:
        own = [str(one.message_id) for one in wanted if one.about == about]
        assert [one for one in received if one in own] == own
