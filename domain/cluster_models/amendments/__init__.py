"""Facts from notifications, and their application to collected models.

A fact is judged once, when it arrives (``admit_compute``, ``admit_storage``). Admitted facts are
recorded and applied to the collected model (``ComputeAmendments``, ``StorageAmendments``), always
with the same result.
"""

from domain.cluster_models.amendments.admission_rules import (
    TOLERANCE,
    Admission,
    Ignored,
    carry_over,
)
from domain.cluster_models.amendments.amended_model import AmendedModel
from domain.cluster_models.amendments.compute import ComputeAmendments
from domain.cluster_models.amendments.compute_admission import admit_compute
from domain.cluster_models.amendments.facts import (
    ComputeFact,
    ComputeFacts,
    Fact,
    FactSet,
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
from domain.cluster_models.amendments.storage import StorageAmendments, admit_storage

__all__ = [
    "TOLERANCE",
    "Admission",
    "AmendedModel",
    "Amendment",
    "ComputeAmendments",
    "ComputeFact",
    "ComputeFacts",
    "Fact",
    "FactSet",
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
    "carry_over",
]
