"""A database URL with several hosts, of which one answers: as operators write it for a failover."""

from contextlib import closing
from urllib.parse import urlsplit

from sqlalchemy import text

from infrastructure import read_models
from infrastructure.event_log import open_event_log, upgrade
from tests.ports import free_port


def test_the_log_and_the_read_models_find_the_host_that_answers(postgres_url: str) -> None:
    upgrade(postgres_url)
    parts = urlsplit(postgres_url)
    user, _, host = parts.netloc.rpartition("@")
    several = parts._replace(netloc=f"{user}@127.0.0.1:{free_port()},{host}").geturl()
    with closing(open_event_log(several)) as log:
        assert log.end() == 0
    engine = read_models.open_engine(read_models.views_url(several))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
