"""Kept models of clouds: what was collected, when it changed, whether it still can be."""

from domain.clouds.cluster_model import ClusterModel, Collection
from domain.clouds.events import Counts

__all__ = ["ClusterModel", "Collection", "Counts"]
