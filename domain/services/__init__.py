"""The states of Vigil's services, as other services last saw them change."""

from domain.services.service import WatchedService
from domain.services.states import ServiceState

__all__ = ["ServiceState", "WatchedService"]
