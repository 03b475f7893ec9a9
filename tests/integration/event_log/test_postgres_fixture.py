"""The tests' own PostgreSQL: it works where none is installed, and leaves nothing behind."""

import psycopg
import pytest

from tests.postgres import Cluster, wheel_binaries


def test_the_wheel_gives_a_server_where_none_is_installed() -> None:
    cluster = Cluster(wheel_binaries())
    try:
        cluster.start()
        with psycopg.connect(cluster.url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        home = cluster._home
        assert home.exists()
    finally:
        cluster.remove()
    assert not home.exists()


@pytest.mark.parametrize("turn", [1, 2])
def test_a_database_is_empty_for_each_test(turn: int, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        for schema in ("public", "other"):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
            connection.execute(f"CREATE TABLE {schema}.left_behind (turn int)".encode())
            connection.execute(f"CREATE TYPE {schema}.left_too AS (turn int)".encode())
