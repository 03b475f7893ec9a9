"""Microversions: which one a request selects (docs/api.md, "Microversions")."""

from interfaces.rest.errors import VersionNotAcceptable

SERVICE = "infra-optim"
HEADER = "OpenStack-API-Version"
LOWEST = 0
HIGHEST = 7
RANGE = f"[1.{LOWEST}, 1.{HIGHEST}]"


def negotiated(header: str | None) -> int:
    """The minor version that a header selects (the major version is 1).

    Raises:
        VersionNotAcceptable: it is invalid or outside of the supported range.
    """
    wanted = _wanted(header or "")
    if wanted == "latest":
        return HIGHEST
    parts = _integers(wanted)
    if parts is None or parts == [1]:
        return LOWEST
    if len(parts) != 2:  # noqa: PLR2004 - major and minor
        raise VersionNotAcceptable(
            f"Invalid value for {HEADER} header: {wanted!r}; supported version range is: {RANGE}."
        )
    major, minor = parts
    if major != 1 or not LOWEST <= minor <= HIGHEST:
        raise VersionNotAcceptable(
            f"Version {wanted} was requested, but the supported version range is: {RANGE}."
        )
    return minor


def _wanted(header: str) -> str:
    """The version in the last pair for this service, "" if there is none."""
    wanted = ""
    for pair in header.split(","):
        service, *version = pair.lower().split(maxsplit=1) or [""]
        if service == SERVICE:
            wanted = "".join(version).strip()
    return wanted


def _integers(text: str) -> list[int] | None:
    try:
        return [int(part) for part in text.split(".")]
    except ValueError:
        return None
