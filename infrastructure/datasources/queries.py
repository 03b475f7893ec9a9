"""The query API of Prometheus."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from application.ports.metrics import MetricsUnavailable
from infrastructure.datasources.endpoint import (
    HttpReader,
    Request,
    ResponseTooLarge,
    json_of,
    words,
)

_log = logging.getLogger(__name__)
_TOO_LARGE = ("too many samples", "too large", "exceeds the limit", "query memory")


@dataclass(frozen=True)
class QuerySample:
    """A series' labels and its value at the time of the query."""

    labels: Mapping[str, str]
    value: float


class QueryApi:
    """Asks instant queries.

    Args:
        asker: whom.
    """

    def __init__(self, asker: HttpReader) -> None:
        self._asker = asker

    @property
    def calls(self) -> int:
        """How many requests it has sent."""
        return self._asker.calls

    def query(self, text: str, *, once: bool = False) -> list[QuerySample]:
        """The samples of an instant vector.

        Raises:
            ResponseTooLarge: ask for less at once.
            MetricsUnavailable: with Prometheus' own words.
        """
        request = Request("POST", "/api/v1/query", form={"query": text})
        response = self._asker.ask(request, once=once, said=lambda one: bool(_document(one)))
        data = _data(response, text)
        if data.get("resultType") != "vector" or not isinstance(data.get("result"), list):
            raise MetricsUnavailable(f"expected a vector, not {data.get('resultType')}: {text}")
        try:
            return [QuerySample(item["metric"], float(item["value"][1])) for item in data["result"]]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise MetricsUnavailable(f"the answer is malformed ({error!r}): {text}") from error


def _document(response: requests.Response) -> dict[str, Any]:
    """Prometheus' answer or error document; empty if it is somebody else's."""
    document = json_of(response)
    return document if isinstance(document, dict) and "status" in document else {}


def _data(response: requests.Response, text: str) -> dict[str, Any]:
    document = _document(response)
    if document.get("status") != "success":
        spoken = _words(response)
        large = response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        kind = ResponseTooLarge if large or any(hint in spoken for hint in _TOO_LARGE) else None
        raise (kind or MetricsUnavailable)(f"{spoken} (query: {text})")
    for warning in document.get("warnings") or ():
        _log.warning("metrics: %s (query: %s)", warning, text)
    data = document.get("data")
    return data if isinstance(data, dict) else {}


def _words(response: requests.Response) -> str:
    """Prometheus' own words, or what there is."""
    document = _document(response)
    if document.get("error"):
        return f"{document.get('errorType', 'error')}: {document['error']}"
    return words(response)
