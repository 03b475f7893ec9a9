"""Requests to the MAAS API 2.0, signed with OAuth 1.0a PLAINTEXT (RFC 5849, section 3.4.4)."""

import time
from http import HTTPMethod
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from application.ports.cloud import CloudUnreachable
from infrastructure.openstack.errors import checked, translated_errors

T = TypeVar("T")
_RETRIED = (429, 500, 502, 503, 504)


class _ApiKey(requests.auth.AuthBase):
    """Signs requests with an API key. MAAS gives consumers no secret."""

    def __init__(self, api_key: str) -> None:
        self._consumer, self._token, self._secret = api_key.split(":")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        fields = {
            "oauth_version": "1.0",
            "oauth_signature_method": "PLAINTEXT",
            "oauth_consumer_key": self._consumer,
            "oauth_token": self._token,
            "oauth_signature": "&" + quote(self._secret, safe=""),
            "oauth_nonce": uuid4().hex,
            "oauth_timestamp": str(int(time.time())),
        }
        signed = ", ".join(f'{name}="{quote(value, safe="")}"' for name, value in fields.items())
        request.headers["Authorization"] = f"OAuth {signed}"
        return request


class MaasApi:
    """Sends requests to a MAAS region.

    Args:
        url: of MAAS, such as ``http://maas:5240/MAAS``.
        api_key: three parts separated by colons: consumer key, token, secret.
        timeout: of a request, s.
        read_retries: how often a failed read is repeated. Other requests are never repeated.

    Attributes:
        session: its connections.
    """

    def __init__(self, url: str, api_key: str, *, timeout: float, read_retries: int) -> None:
        self._base = f"{url.rstrip('/').removesuffix('/api/2.0')}/api/2.0"
        self._timeout = timeout
        self.session = requests.Session()
        self.session.auth = _ApiKey(api_key)
        self.session.headers.update({"Accept": "application/json"})
        retry = Retry(
            total=read_retries,
            allowed_methods=(HTTPMethod.GET,),
            status_forcelist=_RETRIED,
            raise_on_status=False,
            backoff_factor=0.5,
        )
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(max_retries=retry))

    def get(self, path: str, kind: type[T], **query: object) -> T:
        """Reads a JSON document of a kind (``dict`` or ``list``).

        Raises:
            CloudUnreachable: MAAS does not answer, or not with such a document.
            CloudRefused: MAAS refused the request.
        """
        with translated_errors():
            found = self._send("GET", path, query).json()
        if not isinstance(found, kind):
            raise CloudUnreachable(f"{path}: MAAS returned no JSON {kind.__name__}")
        return found

    def post(self, path: str, **query: object) -> None:
        """Sends a request that changes something; never sends it again.

        Raises:
            CloudUnreachable: it is unknown whether MAAS changed something.
            CloudRefused: MAAS changed nothing.
        """
        with translated_errors():
            self._send("POST", path, query)

    def _send(self, method: str, path: str, query: dict[str, Any]) -> requests.Response:
        url = f"{self._base}/{path}"
        response = self.session.request(
            method, url, params=query, timeout=self._timeout, allow_redirects=False
        )
        return checked(response)
