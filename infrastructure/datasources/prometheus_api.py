"""The query API of Prometheus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from application.ports.metrics import MetricsUnavailable
from infrastructure.datasources.endpoint import (
    METHOD_REFUSED,
    TOO_LARGE,
    HttpReader,
    Request,
    ResponseTooLarge,
    json_of,
    summary,
)

_LIMITS = ("too many samples", "too large", "exceeds the limit", "query memory")


@dataclass(frozen=True)
class QuerySample:
    """A series' labels and its value at the time of the query."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class QueryResult:
    """The samples of an instant vector, and the warnings of a server that could not read all."""

    samples: Sequence[QuerySample]
    warnings: Sequence[str] = ()


class PrometheusApi:
    """Sends instant queries: with POST; with GET if only that is allowed, also later ones.

    Args:
        reader: sends the requests.
    """

    def __init__(self, reader: HttpReader) -> None:
        self._reader = reader
        self._methods = ("POST", "GET")

    @property
    def calls(self) -> int:
        """The number of requests sent so far."""
        return self._reader.calls

    def query(self, text: str, *, once: bool = False) -> QueryResult:
        """The response to an instant query for a vector.

        Raises:
            ResponseTooLarge: query less at once.
            MetricsUnavailable: with Prometheus' error text.
        """
        document = _success(self._response(text, once=once), text)
        data = document.get("data")
        data = data if isinstance(data, dict) else {}
        if data.get("resultType") != "vector" or not isinstance(data.get("result"), list):
            raise MetricsUnavailable(f"expected a vector, not {data.get('resultType')}: {text}")
        try:
            samples = [
                QuerySample(item["metric"], float(item["value"][1])) for item in data["result"]
            ]
            return QueryResult(samples, [str(one) for one in document.get("warnings") or ()])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise MetricsUnavailable(f"the response is malformed ({error!r}): {text}") from error

    def _response(self, text: str, *, once: bool) -> requests.Response:
        first, second = self._methods
        response = self._sent(first, text, once=once)
        if response.status_code not in METHOD_REFUSED or _document(response):
            return response
        other = self._sent(second, text, once=once)
        if _document(other):
            self._methods = second, first
        return other

    def _sent(self, method: str, text: str, *, once: bool) -> requests.Response:
        fields = {"query": text}
        body = {"form": fields} if method == "POST" else {"params": fields}
        request = Request(method, "/api/v1/query", **body)
        return self._reader.send(request, once=once, is_final=lambda one: bool(_document(one)))


def _document(response: requests.Response) -> dict[str, Any]:
    """Prometheus' document, of a result or an error; empty if another server responded."""
    document = json_of(response)
    return document if isinstance(document, dict) and "status" in document else {}


def _success(response: requests.Response, text: str) -> dict[str, Any]:
    document = _document(response)
    if document.get("status") != "success":
        error = _error_text(response)
        large = response.status_code in TOO_LARGE
        kind = ResponseTooLarge if large or any(one in error for one in _LIMITS) else None
        raise (kind or MetricsUnavailable)(f"{error} (query: {text})")
    return document


def _error_text(response: requests.Response) -> str:
    """Prometheus' error text, or a summary of the response."""
    document = _document(response)
    if document.get("error"):
        return f"{document.get('errorType', 'error')}: {document['error']}"
    return summary(response)
