from enum import StrEnum


class ServiceState(StrEnum):
    """The states of a service, as shown in the API."""

    ACTIVE = "ACTIVE"
    FAILED = "FAILED"
