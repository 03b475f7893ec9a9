"""What notifications tell of a cloud, and what that does to its kept models.

A collected model is the base; facts are laid over it (``ComputeAmendments``,
``StorageAmendments``). Which facts count is judged once, when they come (``admit_compute``,
``admit_storage``); what was admitted is recorded and always gives the same model again.
"""

from domain.cluster_models.amendments.admission import admit_compute, carried_compute
from domain.cluster_models.amendments.compute import ComputeAmendments
from domain.cluster_models.amendments.facts import (
    ComputeFact,
    ComputeFacts,
    GroupFact,
    HostFact,
    MemberFact,
    PinFact,
    PoolFact,
    ServerFact,
    Stamp,
    StorageFact,
    StorageFacts,
    VolumeFact,
)
from domain.cluster_models.amendments.model_amendments import Amendment, ModelAmendments
from domain.cluster_models.amendments.storage import (
    StorageAmendments,
    admit_storage,
    carried_storage,
)
from domain.cluster_models.amendments.verdicts import TOLERANCE, Admission, Ignored

__all__ = [
    "TOLERANCE",
    "Admission",
    "Amendment",
    "ComputeAmendments",
    "ComputeFact",
    "ComputeFacts",
    "GroupFact",
    "HostFact",
    "Ignored",
    "MemberFact",
    "ModelAmendments",
    "PinFact",
    "PoolFact",
    "ServerFact",
    "Stamp",
    "StorageAmendments",
    "StorageFact",
    "StorageFacts",
    "VolumeFact",
    "admit_compute",
    "admit_storage",
    "carried_compute",
    "carried_storage",
]
