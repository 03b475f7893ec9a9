"""The collected model of a cloud as an aggregate: its versions, amendments and outages."""

from domain.cluster_models.cluster_model import ClusterModel, CompleteCollection
from domain.cluster_models.events import Counts

__all__ = ["ClusterModel", "CompleteCollection", "Counts"]
