"""One sentence per event type: what a person reads in the timeline."""

from collections.abc import Callable
from typing import Any

from domain.audit_templates import events as templates
from domain.audits import events as audits
from domain.catalogue import events as catalogue
from domain.cluster_models import events as clouds
from domain.cluster_models.amendments import events as amendments
from domain.kernel.aggregate import Event
from domain.kernel.reasons import Cause, Reason
from domain.plans import events as plans
from domain.reservations import events as names

Sentence = Callable[[Any], str]


def sentence(topic: str, event: Event) -> str:
    """What happened, in one sentence; an event type that is not listed speaks by its topic."""
    made = SENTENCES.get(topic)
    if made is not None:
        return made(event)
    subject, _, verb = topic.rpartition(".")
    return f"{subject.replace('-', ' ').capitalize()}: {verb.replace('-', ' ')}."


def _since(because: Cause | None) -> str:
    return "." if because is None else f": {_ended(str(because))}"


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _audit_requested(event: audits.AuditRequested) -> str:
    about = [event.audit_type.lower(), f"goal {event.goal}"]
    if event.strategy is not None:
        about.append(f"strategy {event.strategy}")
    if event.interval is not None:
        about.append(f"interval {event.interval}")
    return f"Audit {event.name!r} was requested ({', '.join(about)})."


def _run_claimed(event: audits.AuditRunClaimed) -> str:
    return f"{event.owner} took the run (epoch {event.epoch}){_since(event.because)}"


def _run_deferred(event: audits.AuditRunDeferred) -> str:
    if event.because.reason is Reason.PLAN_IN_PROGRESS:
        return f"The run waits{_since(event.because)}"  # until that has ended, whatever the time
    until = event.not_before.isoformat(timespec="seconds")
    return f"The run was put off until {until}{_since(event.because)}"


def _changed(event: audits.AuditChanged | templates.AuditTemplateChanged) -> str:
    return f"Changed: {', '.join(sorted(event.changes))}."


def _plan_proposed(event: plans.PlanProposed) -> str:
    if not event.actions:
        note = f": {_ended(str(event.notes[0]))}" if event.notes else "."
        return f"{event.strategy} proposed an empty plan{note}"
    count = len(event.actions)
    return f"{event.strategy} proposed a plan of {count} action{'s' if count > 1 else ''}."


def _plan_claimed(event: plans.PlanClaimed) -> str:
    return f"{event.owner} took the plan (epoch {event.epoch}){_since(event.because)}"


def _action_intended(event: plans.ActionIntended) -> str:
    again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
    return f"{event.what}: about to be asked of the cloud{again}."


def _action_skipped(event: plans.ActionSkipped) -> str:
    said = f" Reason: {event.note}" if event.note else ""
    return f"{event.what}: skipped{_since(event.because)}{said}"


def _action_annotated(event: plans.ActionAnnotated) -> str:
    return f"{event.what}: why it was skipped: {event.note or 'no reason given'}."


def _definition(verb: str) -> Sentence:
    def made(event: catalogue.DefinitionRegistered | catalogue.DefinitionChanged) -> str:
        kind = event.definition.kind.replace("-", " ").capitalize()
        return f"{kind} {event.definition.name} was {verb}."

    return made


def _definition_retired(event: catalogue.DefinitionRetired) -> str:
    return f"{event.kind.replace('-', ' ').capitalize()} {event.name} was retired."


def _template_created(event: templates.AuditTemplateCreated) -> str:
    how = f" with strategy {event.strategy}" if event.strategy else ""
    return f"Audit template {event.name!r} of goal {event.goal}{how} was created."


def _model_amended(event: amendments.ModelAmended) -> str:
    changes = ", ".join(
        f"{count} {noun.replace('_', ' ')}" for noun, count in sorted(event.changes.items())
    )
    return f"Notifications amended the cluster model: {changes or 'nothing visible'}."


def _model_collected(event: clouds.ClusterModelCollected) -> str:
    sizes = ", ".join(f"{count} {things}" for things, count in event.sizes.items())
    changes = {} if event.changes is None else event.changes
    told = [f"{count} {kind.replace('_', ' ')}" for kind, count in changes.items() if count]
    if event.quarantined_count:
        told.append(f"{event.quarantined_count} records could not be used")
    what = f"The cluster model changed: {sizes}"
    return f"{what} ({', '.join(told)})." if told else f"{what}."


SENTENCES: dict[str, Sentence] = {
    audits.AuditRequested.TOPIC: _audit_requested,
    audits.AuditRunRequested.TOPIC: lambda e: (
        f"Run {e.number} was requested, due {e.due.isoformat(timespec='seconds')} ({e.cause})."
    ),
    audits.AuditRunClaimed.TOPIC: _run_claimed,
    audits.AuditInputsRecorded.TOPIC: lambda e: (
        f"The inputs of {e.strategy} were recorded ({e.digest[:12]})."
    ),
    audits.AuditRunDeferred.TOPIC: _run_deferred,
    audits.AuditRunSucceeded.TOPIC: lambda e: f"The run published plan {e.plan_id}.",
    audits.AuditRunFailed.TOPIC: lambda e: f"The run failed{_since(e.because)}",
    audits.AuditCancelled.TOPIC: lambda e: f"The audit was cancelled{_since(e.because)}",
    audits.AuditSuspended.TOPIC: lambda _: "The audit was suspended.",
    audits.AuditResumed.TOPIC: lambda _: "The audit was resumed.",
    audits.AuditStateSet.TOPIC: lambda e: f"The audit became {e.state}{_since(e.because)}",
    audits.AuditExpired.TOPIC: lambda e: f"The audit is over{_since(e.because)}",
    audits.AuditChanged.TOPIC: _changed,
    audits.AuditDeleted.TOPIC: lambda _: "The audit was deleted.",
    plans.PlanProposed.TOPIC: _plan_proposed,
    plans.PlanLaunched.TOPIC: lambda _: "The plan was launched.",
    plans.PlanClaimed.TOPIC: _plan_claimed,
    plans.PlanCancelRequested.TOPIC: lambda _: "The running plan is to be stopped.",
    plans.PlanCancelled.TOPIC: lambda e: f"The plan was cancelled{_since(e.because)}",
    plans.PlanSuperseded.TOPIC: lambda e: f"The plan was superseded{_since(e.because)}",
    plans.PlanSucceeded.TOPIC: lambda e: f"The plan succeeded{_since(e.because)}",
    plans.PlanFailed.TOPIC: lambda e: f"The plan failed{_since(e.because)}",
    plans.PlanDeleted.TOPIC: lambda _: "The plan was deleted.",
    plans.ActionIntended.TOPIC: _action_intended,
    plans.ActionAcknowledged.TOPIC: lambda e: f"{e.what}: the cloud accepted it.",
    plans.ActionSucceeded.TOPIC: lambda e: f"{e.what}: succeeded.",
    plans.ActionFailed.TOPIC: lambda e: f"{e.what}: failed{_since(e.because)}",
    plans.ActionSkipped.TOPIC: _action_skipped,
    plans.ActionAnnotated.TOPIC: _action_annotated,
    plans.ActionCancelled.TOPIC: lambda e: f"{e.what}: will not run{_since(e.because)}",
    templates.AuditTemplateCreated.TOPIC: _template_created,
    templates.AuditTemplateChanged.TOPIC: _changed,
    templates.AuditTemplateDeleted.TOPIC: lambda _: "The audit template was deleted.",
    catalogue.CatalogueOpened.TOPIC: lambda _: "The catalogue was opened.",
    catalogue.DefinitionRegistered.TOPIC: _definition("registered"),
    catalogue.DefinitionChanged.TOPIC: _definition("changed"),
    catalogue.DefinitionRetired.TOPIC: _definition_retired,
    clouds.ClusterModelOpened.TOPIC: lambda e: (
        f"The {e.kind} model of cloud {e.cloud!r} is kept from now on."
    ),
    clouds.ClusterModelCollected.TOPIC: _model_collected,
    clouds.ClusterModelCollectionFailed.TOPIC: lambda e: (
        f"The cluster model could not be collected{_since(e.because)}"
    ),
    clouds.ClusterModelRecovered.TOPIC: lambda _: "The cluster model can be collected again.",
    clouds.ClusterModelAmending.TOPIC: lambda _: "Notifications began to amend the cluster model.",
    amendments.AmendmentsOpened.TOPIC: lambda e: (
        f"Notifications began to amend the collection that began at "
        f"{e.since.isoformat(timespec='seconds')}."
    ),
    amendments.ModelAmended.TOPIC: _model_amended,
    amendments.AmendmentsClosed.TOPIC: lambda _: "A later collection took the amendments' place.",
    names.NameReserved.TOPIC: lambda e: f"The {e.kind} name {e.name!r} was reserved.",
    names.NameReleased.TOPIC: lambda _: "The name is free again.",
    names.NameTakenAgain.TOPIC: lambda e: f"The name {e.name!r} got a new owner.",
    "command.handled": lambda e: f"The command with key {e.key!r} was carried out.",
}
"""Topic → how its events read."""
