"""Microversions: the supported ranges, and negotiation."""

import re

import falcon

from infrastructure.simulator.core.caller import Version
from infrastructure.simulator.core.errors import ApiNotAcceptable, BadRequest

MINIMUM: dict[str, Version] = {
    "compute": (2, 1),
    "placement": (1, 0),
    "volume": (3, 0),
    "baremetal": (1, 1),
}
MAXIMUM: dict[str, Version] = {
    "compute": (2, 96),
    "placement": (1, 39),
    "volume": (3, 71),
    "baremetal": (1, 86),
}

_HEADER = "OpenStack-API-Version"
_OLD_HEADERS = {
    "compute": "X-OpenStack-Nova-API-Version",
    "baremetal": "X-OpenStack-Ironic-API-Version",
}


def text(version: Version) -> str:
    """The form used in headers."""
    return f"{version[0]}.{version[1]}"


def negotiate(req: falcon.Request, service: str) -> Version:
    """The version that a request asks for; the lowest when it names none.

    Raises:
        BadRequest: what it names is not a version.
        ApiNotAcceptable: there is no such version.
    """
    asked = _asked(req, service)
    if asked is None:
        return MINIMUM[service]
    if asked == "latest":
        return MAXIMUM[service]
    if not re.fullmatch(r"[1-9]\d*\.(0|[1-9]\d*)", asked):
        raise BadRequest(
            f"API Version String {asked} is of invalid format. Must be of format MajorNum.MinorNum."
        )
    major, _, minor = asked.partition(".")
    version = (int(major), int(minor))
    if not MINIMUM[service] <= version <= MAXIMUM[service]:
        if service == "placement":
            raise ApiNotAcceptable(
                f"Invalid microversion: Unacceptable version header: {asked}", version
            )
        raise ApiNotAcceptable(
            f"Version {asked} is not supported by the API. Minimum is "
            f"{text(MINIMUM[service])} and maximum is {text(MAXIMUM[service])}.",
            version,
        )
    return version


def _asked(req: falcon.Request, service: str) -> str | None:
    for entry in (req.get_header(_HEADER) or "").split(","):
        name, _, version = entry.strip().partition(" ")
        if name == service and version:
            return version.strip()
    return req.get_header(_OLD_HEADERS[service]) if service in _OLD_HEADERS else None


def announce(resp: falcon.Response, service: str, version: Version) -> None:
    """Put the version of a response into its headers."""
    if service == "baremetal":
        _announce_ironic(resp, version)
        return
    resp.set_header(_HEADER, f"{service} {text(version)}")
    resp.append_header("Vary", _HEADER)
    if service == "compute":
        resp.set_header(_OLD_HEADERS[service], text(version))
        resp.append_header("Vary", _OLD_HEADERS[service])


def _announce_ironic(resp: falcon.Response, version: Version) -> None:
    """Ironic uses its own headers and sends the supported range with each response."""
    for which, value in (
        ("Minimum-", MINIMUM["baremetal"]),
        ("Maximum-", MAXIMUM["baremetal"]),
        ("", version),
    ):
        resp.set_header(f"X-OpenStack-Ironic-API-{which}Version", text(value))
