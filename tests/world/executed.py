"""An audit, a plan that empties a host, and its execution: the same in every run."""

from dataclasses import replace
from uuid import UUID

from application.ports.event_log import EventLog
from application.ports.records import RecordStore
from application.records.decision import DecisionExplanation, encode
from domain.audits import Audit
from domain.cluster.compute.model import ComputeModel
from domain.cluster.formats.cluster_file import ClusterFile
from domain.kernel.reasons import Cause
from domain.optimization.algorithms.emptying import FREES_HOST, HOST_EMPTIED
from domain.optimization.solution import Rejection
from domain.plans import ActionPlan
from domain.plans.proposal import PlannedAction
from domain.plans.reasons import MIGRATION_FAILED
from tests.given import context, ident
from tests.world.decisions import NO_METRICS, decision_record
from tests.world.plugins import STRATEGIES
from tests.world.values import definition, explanation, host, id_of, planned, proposal, server

NAME = "nightly"
HOSTS, SERVERS, MOVES = 8, 24, 12


def executed_plan(log: EventLog, records: RecordStore) -> ActionPlan:
    """Appends the history. The second migration fails, the last one runs, others succeeded."""
    strategy = STRATEGIES["vm_workload_consolidation"]
    record = records.put(decision_record(strategy, _cluster()))
    audit = Audit.request(context(), ident(0xA0D17), definition(name=NAME, strategy=strategy.name))
    assert audit.run is not None
    run, epoch = audit.run.id, audit.claim_run(context(1), audit.run.id, "engine/a", "host-a")
    audit.record_inputs(context(2), run, epoch, digest=record, strategy=strategy.name)
    wanted = proposal(audit.id, run, _actions(), strategy=strategy.name, record=record)
    reasons = records.put(encode(_reasons(explanation(wanted))))
    plan = ActionPlan.propose(context(3), replace(wanted, explanation=reasons))
    audit.succeed_run(context(3), run, epoch, plan.id)
    log.save(audit, plan)
    plan.launch(context(10))
    epoch = plan.claim(context(11), "applier/b", "host-a")
    moves = [one.spec.id for one in plan.actions.values()][:MOVES]
    for number, action in enumerate(moves):
        at = 12 + 2 * number
        plan.intend_action(context(at), epoch, action, {"before": {}, "deadline": 900.0})
        plan.acknowledge_action(context(at + 0.25), epoch, action, {"request_id": "req-7"})
        if number < MOVES - 1:
            _end(plan, epoch, action, at + 1.5, fails=number == 1)
    log.save(plan)
    return plan


def _cluster() -> ClusterFile:
    """Two zones; servers on the odd hosts."""
    hosts = [host(_host(place), zone=f"zone-{place % 2 + 1}") for place in range(HOSTS)]
    servers = [server(_server(place), _host(place % 4)) for place in range(SERVERS)]
    model, _ = ComputeModel.build(hosts, servers)
    return ClusterFile(model, (), NO_METRICS, {})


def _host(place: int) -> str:
    return f"compute-{place + 1:02}"


def _server(place: int) -> str:
    return f"web-{place + 1:02}"


def _actions() -> list[PlannedAction]:
    """Migrations, each to a host of the same zone; then a host is disabled."""
    moves = [
        planned(
            "migrate",
            id_of(_server(place)),
            {
                "resource_name": _server(place),
                "migration_type": "live",
                "source_node": _host(place % 4),
                "destination_node": _host(place % 4 + 4),
            },
            Cause(FREES_HOST, {"server": _server(place), "source": _host(place % 4), "servers": 6}),
        )
        for place in range(MOVES)
    ]
    disabling = planned(
        "change_nova_service_state",
        id_of(_host(1)),
        {"resource_name": _host(1), "state": "disabled"},
        Cause(HOST_EMPTIED, {"host": _host(1)}),
        parents=(1, 5),
        requires=(1, 5),
    )
    return [*moves, disabling]


def _reasons(found: DecisionExplanation) -> DecisionExplanation:
    """With an alternative that concerns the first server."""
    because = found.rejections[0].because
    return DecisionExplanation(
        format=found.format,
        record=found.record,
        actions=found.actions,
        rejections=[*found.rejections, Rejection(f"server {id_of(_server(0))}", because)],
        notes=found.notes,
        indicators=found.indicators,
        rejection_count=2,
    )


def _end(plan: ActionPlan, epoch: int, action: UUID, at: float, *, fails: bool) -> None:
    given = plan.actions[action].spec.parameters
    if fails:
        lost = {"migration": "m-2", "server": given["resource_name"], "status": "error"}
        plan.fail_action(context(at), epoch, action, Cause(MIGRATION_FAILED, lost))
    else:
        plan.succeed_action(context(at), epoch, action, {"host": given["destination_node"]})
