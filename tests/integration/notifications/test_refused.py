"""A message bus that refuses the listener: retried, in the log, and the service is not ACTIVE."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from oslo_config import cfg

from domain.kernel.metadata import Metadata, component
from infrastructure.notifications.listener import Listener, Subscription
from infrastructure.settings import load
from interfaces.bootstrap.database import opened, upgrade
from interfaces.bootstrap.roles.listener import CONSUMER, follow
from tests.integration.notifications.buses import MEMORY, Bus
from tests.integration.notifications.refusing import LOGIN, VHOST, RefusingBroker
from tests.integration.notifications.test_role import CLOUDS
from tests.integration.notifications.waiting import until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(params=[LOGIN, VHOST], ids=["login", "vhost"])
def broker(request: pytest.FixtureRequest) -> Iterator[RefusingBroker]:
    broker = RefusingBroker(*request.param)
    yield broker
    broker.close()


@contextmanager
def running(url: str) -> Iterator[Listener]:
    conf = cfg.ConfigOpts()
    conf(args=[], default_config_files=[])
    listener = Listener(
        conf,
        Subscription(url, ["exchange.topic"], "pool", 0.2),
        lambda _: None,
        postponed=(ConnectionError,),
        quarantine=lambda *_: None,
        count=lambda _: None,
    )
    stop = threading.Event()
    thread = threading.Thread(target=listener.run, args=(stop,))
    thread.start()
    try:
        yield listener
    finally:
        stop.set()
        thread.join(timeout=30)
        assert not thread.is_alive()


def test_a_refused_login_is_tried_again_and_in_the_log(
    broker: RefusingBroker, caplog: pytest.LogCaptureFixture
) -> None:
    """One raw traceback, and the thread was dead: an ACTIVE service that never listens."""
    with running(broker.url) as listener:
        until(lambda: broker.refusals >= 2, "it is tried again")
        assert not listener.is_listening()
    errors = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert any("refuses the listener" in one.getMessage() for one in errors)
    assert not any(one.exc_info for one in errors)
    assert "secret" not in caplog.text


def test_a_listener_that_has_its_queue_is_listening() -> None:
    """The control."""
    bus = Bus(MEMORY)
    try:
        with bus.listening() as listener:
            until(listener.is_listening, "it listens")
    finally:
        bus.remove()


def test_a_listener_that_the_bus_refuses_is_not_active(
    broker: RefusingBroker, tmp_path: Path
) -> None:
    """Neither alarm of docs/notifications.md went off: the service was ACTIVE for ever."""
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(CLOUDS, encoding="utf-8")
    flags = {
        "vigil.data_dir": str(tmp_path),
        "vigil.cloud": "real",
        "vigil.cloud_config": str(clouds),
        "DEFAULT.transport_url": broker.url,
    }
    settings = load(flags=flags, files=()).settings
    upgrade(settings)
    stop = threading.Event()
    with opened(settings) as database:
        arguments = (settings, database, Metadata(component("test")), stop)
        thread = threading.Thread(target=follow, args=arguments)
        thread.start()
        try:
            until(lambda: broker.refusals, "it is refused")
            until(database.services.rows, "it is listed")
            (row,) = database.services.rows()
            assert (row.name, row.alive) == (CONSUMER, False)
        finally:
            stop.set()
            thread.join(timeout=30)
