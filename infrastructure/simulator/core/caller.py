"""Who sends a request, and in which microversion of the API."""

from dataclasses import dataclass

Version = tuple[int, int]
"""A microversion: major, minor; (0, 0) where a service has none."""


@dataclass(frozen=True)
class RequestContext:
    """Who asks, and under which request id."""

    user_id: str
    project_id: str
    roles: tuple[str, ...]
    request_id: str

    @property
    def is_admin(self) -> bool:
        """Whether Nova's default policy lets it do administrative things."""
        return "admin" in self.roles
