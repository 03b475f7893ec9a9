from uuid import UUID

from application.kernel.errors import NothingThen, Unavailable
from application.ports.records import RecordStore
from application.records.decision import DecisionExplanation, decode_explanation


def plan_explanation(records: RecordStore, plan: UUID, digest: str) -> DecisionExplanation:
    """The recorded reasons of a plan. They are read, never computed again.

    Args:
        records: the stored records.
        plan: its id.
        digest: of its explanation.

    Raises:
        NothingThen: no reasons were recorded with the plan.
        Unavailable: the record cannot be read.
    """
    if not digest:
        raise NothingThen(f"No reasons were recorded for action plan {plan}.")
    try:
        return decode_explanation(records.get(digest))
    except (KeyError, ValueError) as error:
        raise Unavailable(
            f"The record {digest} with the reasons of action plan {plan} cannot be read: {error}"
        ) from error
