import wsgiref.validate
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.rest.house import House, a_house


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


class Rooms:
    """Houses that tests move into one after the other; making a new one takes ten times longer."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._made = 0
        self._spare: House | None = None

    def take(self) -> House:
        """A house with nothing but the catalogue in it."""
        if self._spare is not None:
            house, self._spare = self._spare, None
            return house
        self._made += 1
        where = self._where / str(self._made)
        where.mkdir()
        house = House(where)
        house.open()
        return house

    def give_back(self, house: House) -> None:
        """To be emptied for the next test, or given up if that cannot be."""
        if house.empty():
            self._spare = house
        else:
            house.close()

    def close(self) -> None:
        """Gives up the spare house."""
        if self._spare is not None:
            self._spare.close()


@pytest.fixture(scope="session")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rooms]:
    """The houses of all tests of this process."""
    made = Rooms(tmp_path_factory.mktemp("rooms"))
    yield made
    made.close()


@pytest.fixture
def house(rooms: Rooms) -> Iterator[House]:
    """A house of the test's own, with nothing but the catalogue in it."""
    taken = rooms.take()
    yield taken
    rooms.give_back(taken)


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house that the tests of a module share: what a test finds there may be another's."""
    with a_house(tmp_path_factory.mktemp("house")) as opened:
        yield opened
