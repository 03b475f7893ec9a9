from application.kernel.errors import NothingThen, Unavailable
from application.ports.read_models import ActionPlanView
from application.ports.records import RecordStore
from application.records.decision import DecisionExplanation, decode_explanation


def plan_explanation(records: RecordStore, plan: ActionPlanView) -> DecisionExplanation:
    """The recorded reasons of a plan. They are read, never computed again.

    Raises:
        NothingThen: no reasons were recorded with the plan.
        Unavailable: the record cannot be read.
    """
    if not plan.explanation:
        raise NothingThen(f"No reasons were recorded for action plan {plan.uuid}.")
    try:
        return decode_explanation(records.get(plan.explanation))
    except (KeyError, ValueError) as error:
        raise Unavailable(
            f"The record {plan.explanation} with the reasons of action plan {plan.uuid} "
            f"cannot be read: {error}"
        ) from error
