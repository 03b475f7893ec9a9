"""The sentence that the timeline shows for each event type, as in a change log."""

from collections.abc import Callable
from typing import Any

from domain.actuation import events as actuation
from domain.audit_templates import events as templates
from domain.audits import events as audits
from domain.audits.reasons import PLAN_IN_PROGRESS
from domain.catalogue import events as catalogue
from domain.cluster_models import events as clouds
from domain.cluster_models.amendments import events as amendments
from domain.kernel.aggregate import Event
from domain.kernel.reasons import Cause
from domain.plans import events as plans
from domain.reservations import events as names
from domain.services import events as services

Sentence = Callable[[Any], str]


def sentence(topic: str, event: Event) -> str:
    """Describes an event in one sentence; an unlisted type is described by its topic."""
    render = SENTENCES.get(topic)
    if render is not None:
        return render(event)
    subject, _, verb = topic.rpartition(".")
    return f"{subject.replace('-', ' ').capitalize()}: {verb.replace('-', ' ')}."


def _because(because: Cause | None) -> str:
    return "." if because is None else f": {_with_full_stop(str(because))}"


def _with_full_stop(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {noun.replace('_', ' ')}" for noun, count in counts.items())


def _audit_requested(event: audits.AuditRequested) -> str:
    about = [event.audit_type.lower(), f"goal {event.goal}"]
    if event.strategy is not None:
        about.append(f"strategy {event.strategy}")
    if event.interval is not None:
        about.append(f"interval {event.interval}")
    return f"Audit {event.name!r} requested ({', '.join(about)})."


def _run_deferred(event: audits.AuditRunDeferred) -> str:
    if event.because.reason == PLAN_IN_PROGRESS:
        # the run starts when that plan has ended; ``not_before`` is only the next attempt
        return f"Run waiting{_because(event.because)}"
    until = event.not_before.isoformat(timespec="seconds")
    return f"Run deferred until {until}{_because(event.because)}"


def _changed(event: audits.AuditChanged | templates.AuditTemplateChanged) -> str:
    return f"Changed: {', '.join(sorted(event.changes))}."


def _plan_proposed(event: plans.PlanProposed) -> str:
    if not event.actions:
        note = f": {_with_full_stop(str(event.notes[0]))}" if event.notes else "."
        return f"Empty action plan created by {event.strategy}{note}"
    count = len(event.actions)
    return f"Action plan created by {event.strategy} ({count} action{'s' if count > 1 else ''})."


def _plan_claimed(event: plans.PlanClaimed) -> str:
    verb = "started" if event.epoch == 1 else "resumed"
    return f"Action plan {verb} by {event.owner} (epoch {event.epoch}){_because(event.because)}"


def _action_intended(event: plans.ActionIntended) -> str:
    attempt = f" (attempt {event.attempt})" if event.attempt > 1 else ""
    return f"{event.what}: requesting{attempt}."


def _step_intended(event: plans.ActionStepIntended) -> str:
    attempt = f" (attempt {event.attempt})" if event.attempt > 1 else ""
    return f"{event.what}: requesting step {event.step!r}{attempt}{_because(event.because)}"


def _action_skipped(event: plans.ActionSkipped) -> str:
    note = f" Reason: {event.note}" if event.note else ""
    return f"{event.what}: skipped{_because(event.because)}{note}"


def _definition(verb: str) -> Sentence:
    def render(event: catalogue.DefinitionRegistered | catalogue.DefinitionChanged) -> str:
        kind = event.definition.kind.replace("-", " ").capitalize()
        return f"{kind} {event.definition.name} {verb}."

    return render


def _definition_retired(event: catalogue.DefinitionRetired) -> str:
    return f"{event.kind.replace('-', ' ').capitalize()} {event.name} retired."


def _template_created(event: templates.AuditTemplateCreated) -> str:
    strategy = f", strategy {event.strategy}" if event.strategy else ""
    return f"Audit template {event.name!r} created (goal {event.goal}{strategy})."


def _model_collected(event: clouds.ClusterModelCollected) -> str:
    changes = [f"{count} {kind}" for kind, count in (event.changes or {}).items() if count]
    if event.quarantined_count:
        changes.append(f"{event.quarantined_count} unusable records")
    details = f" ({', '.join(changes).replace('_', ' ')})" if changes else ""
    return f"Cluster model changed: {_counts(event.sizes)}{details}."


def _model_amended(event: amendments.ModelAmended) -> str:
    changes = _counts(dict(sorted(event.changes.items())))
    return f"Cluster model updated from notifications: {changes or 'no visible change'}."


SENTENCES: dict[str, Sentence] = {
    audits.AuditRequested.TOPIC: _audit_requested,
    audits.AuditRunRequested.TOPIC: lambda e: (
        f"Run {e.number} requested, due {e.due.isoformat(timespec='seconds')} ({e.cause})."
    ),
    audits.AuditRunClaimed.TOPIC: lambda e: (
        f"Run started by {e.owner} (epoch {e.epoch}){_because(e.because)}"
    ),
    audits.AuditInputsRecorded.TOPIC: lambda e: f"Inputs of {e.strategy} stored ({e.digest[:12]}).",
    audits.AuditRunDeferred.TOPIC: _run_deferred,
    audits.AuditRunSucceeded.TOPIC: lambda e: f"Run succeeded with action plan {e.plan_id}.",
    audits.AuditRunFailed.TOPIC: lambda e: f"Run failed{_because(e.because)}",
    audits.AuditCancelled.TOPIC: lambda e: f"Audit cancelled{_because(e.because)}",
    audits.AuditSuspended.TOPIC: lambda _: "Audit suspended.",
    audits.AuditResumed.TOPIC: lambda _: "Audit resumed.",
    audits.AuditStateSet.TOPIC: lambda e: f"Audit set to {e.state}{_because(e.because)}",
    audits.AuditExpired.TOPIC: lambda e: f"Audit ended{_because(e.because)}",
    audits.AuditChanged.TOPIC: _changed,
    audits.AuditDeleted.TOPIC: lambda _: "Audit deleted.",
    plans.PlanProposed.TOPIC: _plan_proposed,
    plans.PlanReturnRequested.TOPIC: lambda event: (
        f"Return plan {event.return_plan} requested{' by the failure' if event.automatic else ''}."
    ),
    plans.PlanReturned.TOPIC: lambda event: f"Return plan {event.return_plan} made.",
    plans.PlanReturnFailed.TOPIC: lambda event: f"No return plan{_because(event.because)}",
    plans.PlanLaunched.TOPIC: lambda _: "Action plan launched.",
    plans.PlanClaimed.TOPIC: _plan_claimed,
    plans.PlanHeld.TOPIC: lambda e: f"Action plan waits{_because(e.because)}",
    plans.PlanReleased.TOPIC: lambda _: "Action plan goes on.",
    plans.PlanCancelRequested.TOPIC: lambda _: "Cancellation of the running action plan requested.",
    plans.PlanCancelled.TOPIC: lambda e: f"Action plan cancelled{_because(e.because)}",
    plans.PlanSuperseded.TOPIC: lambda e: f"Action plan superseded{_because(e.because)}",
    plans.PlanSucceeded.TOPIC: lambda e: f"Action plan succeeded{_because(e.because)}",
    plans.PlanFailed.TOPIC: lambda e: f"Action plan failed{_because(e.because)}",
    plans.PlanDeleted.TOPIC: lambda _: "Action plan deleted.",
    plans.ActionAdded.TOPIC: lambda e: f"{e.what}: added{_because(e.spec.because)}",
    plans.ActionIsolated.TOPIC: lambda e: f"{e.what}: executed alone, after lost appliers.",
    plans.ActionIntended.TOPIC: _action_intended,
    plans.ActionWithheld.TOPIC: lambda e: f"{e.what}: not requested{_because(e.because)}",
    plans.ActionAcknowledged.TOPIC: lambda e: f"{e.what}: accepted.",
    plans.ActionStepIntended.TOPIC: _step_intended,
    plans.ActionStepAcknowledged.TOPIC: lambda e: f"{e.what}: step {e.step!r} accepted.",
    plans.ActionSucceeded.TOPIC: lambda e: f"{e.what}: succeeded.",
    plans.ActionFailed.TOPIC: lambda e: f"{e.what}: failed{_because(e.because)}",
    plans.ActionFollowedUp.TOPIC: lambda e: (
        f"{e.what}: ended in the cloud after all{_because(e.because)}"
    ),
    plans.ActionSkipped.TOPIC: _action_skipped,
    plans.ActionAnnotated.TOPIC: lambda e: f"{e.what}: skip reason: {e.note or 'none given'}.",
    plans.ActionCancelled.TOPIC: lambda e: f"{e.what}: cancelled{_because(e.because)}",
    actuation.ActuationOpened.TOPIC: lambda _: "Actuation switch recorded: on.",
    actuation.ActuationSwitchedOff.TOPIC: lambda e: (
        f"Actuation switched off: {_with_full_stop(e.reason)}"
    ),
    actuation.ActuationSwitchedOn.TOPIC: lambda e: (
        f"Actuation switched on: {_with_full_stop(e.reason)}"
    ),
    templates.AuditTemplateCreated.TOPIC: _template_created,
    templates.AuditTemplateChanged.TOPIC: _changed,
    templates.AuditTemplateDeleted.TOPIC: lambda _: "Audit template deleted.",
    catalogue.CatalogueOpened.TOPIC: lambda _: "Catalogue created.",
    catalogue.DefinitionRegistered.TOPIC: _definition("registered"),
    catalogue.DefinitionChanged.TOPIC: _definition("changed"),
    catalogue.DefinitionRetired.TOPIC: _definition_retired,
    catalogue.InstallationRecorded.TOPIC: lambda e: (
        f"{e.installation.instance}: {len(e.installation.plugins)} plug-ins recorded."
    ),
    catalogue.InstallationResumed.TOPIC: lambda e: (
        f"{e.instance}: same plug-ins as {e.previous}, which it replaces."
    ),
    catalogue.InstallationForgotten.TOPIC: lambda e: (
        f"{e.instance} is gone: its plug-ins do not count any more."
    ),
    clouds.ClusterModelOpened.TOPIC: lambda e: (
        f"{e.kind.capitalize()} model of cloud {e.cloud!r} created."
    ),
    clouds.ClusterModelCollected.TOPIC: _model_collected,
    clouds.ClusterModelCollectionFailed.TOPIC: lambda e: (
        f"Collection of the {e.kind or 'cluster'} model failed{_because(e.because)}"
    ),
    clouds.ClusterModelRecovered.TOPIC: lambda e: (
        f"Collection of the {e.kind or 'cluster'} model works again."
    ),
    clouds.ClusterModelAmending.TOPIC: lambda _: "Updates from notifications started.",
    amendments.AmendmentsOpened.TOPIC: lambda e: (
        f"Updates from notifications started for the collection of "
        f"{e.since.isoformat(timespec='seconds')}."
    ),
    amendments.ModelAmended.TOPIC: _model_amended,
    amendments.AmendmentsClosed.TOPIC: lambda _: (
        "Updates from notifications ended: replaced by a newer collection."
    ),
    names.NameReserved.TOPIC: lambda e: f"{e.kind.capitalize()} name {e.name!r} reserved.",
    names.NameReleased.TOPIC: lambda _: "Name released.",
    names.NameTakenAgain.TOPIC: lambda e: f"Name {e.name!r} assigned to a new owner.",
    services.ServiceSeen.TOPIC: lambda e: f"Service {e.name} on {e.host} found: {e.state}.",
    services.ServiceStateChanged.TOPIC: lambda e: (
        f"Service {e.name} on {e.host}: {e.old_state} -> {e.state}."
    ),
    "command.handled": lambda e: f"Command with idempotency key {e.key!r} completed.",
}
"""Topic → renders the sentence of an event."""
