import wsgiref.validate
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world.api import ApiWorld


@pytest.fixture(scope="session", autouse=True)
def _empty_answers_need_no_type() -> Iterator[None]:
    """Falcon's test client checks responses with a module of 2006 that wants a type for nothing."""
    strict = vars(wsgiref.validate)["check_content_type"]

    def check(status: str, headers: list[tuple[str, str]]) -> None:
        if ("content-length", "0") not in headers:
            strict(status, headers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wsgiref.validate, "check_content_type", check)
        yield


class ApiWorlds:
    """Worlds that tests use one after the other; making a new one takes ten times longer."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._made = 0
        self._spare: ApiWorld | None = None

    def take(self) -> ApiWorld:
        """A world with nothing but the catalogue in it."""
        if self._spare is not None:
            api, self._spare = self._spare, None
            return api
        self._made += 1
        where = self._where / str(self._made)
        where.mkdir()
        api = ApiWorld(where)
        api.open()
        return api

    def give_back(self, api: ApiWorld) -> None:
        """Empties a world for the next test, or closes it if that cannot be done."""
        if api.empty():
            self._spare = api
        else:
            api.close()

    def close(self) -> None:
        """Closes the spare world."""
        if self._spare is not None:
            self._spare.close()


@pytest.fixture(scope="session")
def api_worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorlds]:
    """The worlds of all tests of this process."""
    made = ApiWorlds(tmp_path_factory.mktemp("worlds"))
    yield made
    made.close()


@pytest.fixture
def api(api_worlds: ApiWorlds) -> Iterator[ApiWorld]:
    """An API of the test's own, with nothing but the catalogue in it."""
    taken = api_worlds.take()
    yield taken
    api_worlds.give_back(taken)


@pytest.fixture(scope="module")
def used_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """An API that the tests of a module share: what a test finds there may be another's."""
    with ApiWorld(tmp_path_factory.mktemp("api")) as opened:
        yield opened
