from collections.abc import Iterator

import pytest

from tests.integration.viewer.api import PreparedApi, prepared_api


@pytest.fixture
def api() -> Iterator[PreparedApi]:
    with prepared_api() as found:
        yield found
