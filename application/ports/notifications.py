"""What a batch of notifications reports, before it is judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.cluster.kinds import ModelKind
from domain.cluster_models.amendments import ComputeFacts, StorageFacts
from domain.kernel.reasons import Cause


@dataclass(frozen=True)
class NotificationBatch:
    """What a batch of notifications reports.

    Attributes:
        compute, storage: facts.
        unclear: by kind of model, reported changes whose result only a collection can show.
    """

    compute: ComputeFacts = field(default_factory=ComputeFacts)
    storage: StorageFacts = field(default_factory=StorageFacts)
    unclear: Mapping[ModelKind, tuple[Cause, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.compute or self.storage or any(self.unclear.values()))
