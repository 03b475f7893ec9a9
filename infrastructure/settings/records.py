"""How long records beside the event log are kept."""

from dataclasses import dataclass

from infrastructure.settings.kinds import Integer
from infrastructure.settings.options import option


@dataclass(frozen=True)
class RecordSettings:
    """Records of cluster models. Those of decisions are kept for ever."""

    days: int = option(
        "vigil.model_record_days",
        Integer(1, 36500),
        30,
        "Days for which the record of a cluster model is kept that no decision refers to, counted "
        "from when it was last the present one. `vigil records prune` drops older ones.",
    )
    prune_interval: int = option(
        "vigil.prune_interval",
        Integer(0),
        0,
        "Hours between two prunings of such records by the scheduler; 0 leaves it to "
        "`vigil records prune`.",
    )
