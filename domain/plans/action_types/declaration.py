"""What a declaration says of an action type."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from domain.cluster.kinds import ModelKind
from domain.cluster.verifier.checked_action import CheckedAction
from domain.kernel.aggregate import JsonObject
from domain.plans.proposal import PlannedAction, ProposedAction

if TYPE_CHECKING:  # the options of the planners need the declarations, but no numpy
    from domain.cluster.compute.model import ComputeModel
    from domain.cluster.storage.model import StorageModel

Checked = Callable[["ComputeModel", PlannedAction], CheckedAction]
"""Translates a planned action for the verifier; the indices are those of the model."""

Copies = Callable[["ComputeModel", "StorageModel | None", ProposedAction], int | None]
"""The bytes that an action copies, None if it copies nothing or that is unknown."""


class ResourceKind(StrEnum):
    """What an action acts on."""

    SERVER = "server"
    HOST = "host"
    VOLUME = "volume"
    NODE = "node"
    NONE = "none"


def without_placement(model: "ComputeModel", planned: PlannedAction) -> CheckedAction:
    """An action that does not concern placement."""
    del model
    return CheckedAction("other", -1, -1, planned.parents)


def copies_nothing(
    compute: "ComputeModel", storage: "StorageModel | None", action: ProposedAction
) -> int | None:
    """An action that copies nothing."""
    del compute, storage, action
    return None


@dataclass(frozen=True, kw_only=True)
class ActionType:
    """An action type: all that is known of it without its handler.

    Attributes:
        name: of the type, as in plans and in the API.
        description: one line for operators.
        schema: JSON Schema (draft 4) of the input parameters, including ``resource_id``.
        resource: what ``resource_id`` names.
        weight: default of the weight planner; heavier types are executed first.
        parallelization: default of the weight planner: how many of it run at once.
        abortable: whether an action of it can be aborted while it runs.
        compensable: whether an action of it can have an inverse action, for return plans.
        copies: the bytes that an action of it copies, for estimates of its duration.
        checked: what the verifier replays of it.
        changes: kinds of collected models that an action of it may change, so that a run after it
            needs younger ones; all, unless the declaration says less.
    """

    name: str
    description: str
    schema: JsonObject
    resource: ResourceKind
    weight: int = 0
    parallelization: int = 1
    abortable: bool = False
    compensable: bool = False
    copies: Copies = copies_nothing
    checked: Checked = without_placement
    changes: Collection[ModelKind] = tuple(ModelKind)
