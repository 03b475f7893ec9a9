"""Why a plan is as it is: from the record that was stored with it, never worked out again."""

from application.kernel.errors import NothingThen, Unavailable
from application.ports.read_models import ActionPlanView
from application.ports.records import RecordStore
from application.records.decision import DecisionExplanation, decode_explanation


def explanation(records: RecordStore, plan: ActionPlanView) -> DecisionExplanation:
    """What was decided and why.

    Raises:
        NothingThen: nothing was recorded with the plan.
        Unavailable: what was recorded cannot be read.
    """
    if not plan.explanation:
        raise NothingThen(f"Nothing was recorded of the reasons of action plan {plan.uuid}.")
    try:
        return decode_explanation(records.get(plan.explanation))
    except (KeyError, ValueError) as error:
        raise Unavailable(
            f"The record {plan.explanation} of the reasons of action plan {plan.uuid} "
            f"cannot be read: {error}"
        ) from error
