"""Kept models of clouds: what was collected, when it changed, whether it still can be."""

from domain.cluster_models.cluster_model import ClusterModel, CompleteCollection
from domain.cluster_models.events import Counts

__all__ = ["ClusterModel", "CompleteCollection", "Counts"]
