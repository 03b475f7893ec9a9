import { useAnswer, useView } from "../context.ts";
import { duration, short, time } from "../format.ts";
import { A, Facts, Panel, Shown, State } from "../parts.tsx";
import { Table } from "../table.tsx";
import type { Audit, TimelineEvent } from "../types.ts";
import { EventList } from "./events.tsx";
import { PlanTable } from "./plans.tsx";

export function AuditsScreen() {
  const { overview } = useView();
  return (
    <Panel title="Audits">
      {overview === null ? <p class="quiet">Loading …</p> : <AuditTable audits={overview.audits} />}
    </Panel>
  );
}

function AuditTable({ audits }: { audits: Audit[] }) {
  return (
    <Table
      label="Audits"
      rows={audits}
      id={(audit) => audit.uuid}
      empty="There are no audits."
      columns={[
        {
          name: "audit",
          sort: (audit) => audit.name,
          cell: (audit) => <A to={["audits", audit.uuid]}>{audit.name}</A>,
        },
        {
          name: "state",
          sort: (audit) => audit.state,
          cell: (audit) => <State of={audit.state} />,
        },
        { name: "goal", sort: (audit) => audit.goal, cell: (audit) => audit.goal },
        { name: "strategy", kind: "wide", cell: (audit) => audit.strategy },
        { name: "type", kind: "wide", cell: (audit) => audit.audit_type },
        {
          name: "next run",
          kind: "wide",
          cell: (audit) => (audit.next_run_time ? time(audit.next_run_time) : "–"),
        },
        { name: "message", kind: "wide text", cell: (audit) => audit.message },
      ]}
    />
  );
}

interface AuditDetail {
  uuid: string;
  name: string;
  state: string;
  audit_type: string;
  goal_name: string | null;
  strategy_name: string | null;
  interval: string | null;
  next_run_time: string | null;
  auto_trigger: boolean;
  parameters: Record<string, unknown>;
  scope: unknown[];
  created_at: string;
  status_message?: string | null;
}

export function AuditScreen({ uuid }: { uuid: string }) {
  const { overview } = useView();
  const answer = useAnswer<AuditDetail>(`/v1/audits/${encodeURIComponent(uuid)}`);
  const events = useAnswer<{ events: TimelineEvent[] }>(
    `/v1/audits/${encodeURIComponent(uuid)}/events`,
    { limit: 1000 },
    "present",
  );
  return (
    <>
      <Panel title={`Audit ${answer.data?.name ?? short(uuid)}`}>
        <Shown answer={answer}>{(audit) => <AuditFacts of={audit} />}</Shown>
      </Panel>
      <Panel title="Its action plans">
        <PlanTable
          plans={overview?.plans.filter((plan) => plan.audit_uuid === answer.data?.uuid) ?? []}
        />
      </Panel>
      <Panel title="Its events">
        <Shown answer={events}>{(found) => <EventList events={found.events.toReversed()} />}</Shown>
      </Panel>
    </>
  );
}

function AuditFacts({ of }: { of: AuditDetail }) {
  const seconds = Number(of.interval);
  return (
    <Facts
      of={[
        ["state", <State of={of.state} />],
        ["message", of.status_message || "–"],
        ["goal", of.goal_name ?? "–"],
        ["strategy", of.strategy_name ?? "–"],
        ["type", of.audit_type],
        ["interval", seconds > 0 ? duration(seconds) : of.interval || "–"],
        ["next run", of.next_run_time ? time(of.next_run_time) : "–"],
        ["starts its plans by itself", of.auto_trigger ? "yes" : "no"],
        ["parameters", <code>{JSON.stringify(of.parameters)}</code>],
        ["scope", of.scope?.length ? <code>{JSON.stringify(of.scope)}</code> : "whole cloud"],
        ["created", time(of.created_at)],
        ["uuid", <code>{of.uuid}</code>],
      ]}
    />
  );
}
