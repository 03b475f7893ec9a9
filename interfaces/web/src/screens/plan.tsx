import { useState } from "preact/hooks";
import { useAnswer, useLink, useView } from "../context.ts";
import { gain, number, short, target, time } from "../format.ts";
import { Graph } from "../plan_graph.tsx";
import { A, Alternatives, Facts, Panel, Shown, State } from "../parts.tsx";
import { Table } from "../table.tsx";
import type { Action, Explanation, Plan } from "../types.ts";
import { ActionPanel, Remarks } from "./action.tsx";
import { Progress } from "./overview.tsx";

interface PlanDetail {
  uuid: string;
  state: string;
  audit_uuid: string | null;
  strategy_name: string | null;
  global_efficacy: { name: string; description: string | null; unit: string | null; value: number | null }[];
  efficacy_indicators: PlanDetail["global_efficacy"];
  created_at: string;
  status_message?: string | null;
}

export function PlanScreen({ uuid, action }: { uuid: string; action?: string }) {
  const { overview } = useView();
  const plan = useAnswer<PlanDetail>(`/v1/action_plans/${encodeURIComponent(uuid)}`);
  const actions = useAnswer<{ actions: Action[] }>(
    `/v1/action_plans/${encodeURIComponent(uuid)}/actions`,
  );
  const line = overview?.plans.find((one) => one.uuid === uuid);
  const chosen = actions.data?.actions.find((one) => one.uuid === action);
  return (
    <>
      <Panel
        title={`Action plan ${short(uuid)}`}
        aside={<A to={["hosts"]} query={{ plan: uuid }}>on the map of hosts</A>}
      >
        <Shown answer={plan}>
          {(found) => (
            <PlanFacts of={found} line={line} actions={actions.data?.actions ?? []} />
          )}
        </Shown>
      </Panel>
      <Shown answer={actions}>
        {(found) => (
          <div class={chosen ? "split" : ""}>
            <Panel title="Actions and what they wait for" aside={<Counts of={found.actions} />}>
              <Graph actions={found.actions} plan={uuid} chosen={action} />
            </Panel>
            {chosen && <ActionPanel plan={uuid} of={chosen} all={found.actions} />}
            <Panel title="Rejected alternatives and remarks">
              <Rejected plan={uuid} />
            </Panel>
            <Panel title="List of actions">
              <ActionTable plan={uuid} actions={found.actions} />
            </Panel>
          </div>
        )}
      </Shown>
    </>
  );
}

function PlanFacts(props: { of: PlanDetail; line: Plan | undefined; actions: Action[] }) {
  const { of, line } = props;
  return (
    <>
      {line && line.uuid === of.uuid && line.state === of.state && line.state !== "RECOMMENDED" && (
        <Progress of={line} />
      )}
      <Facts
        of={[
          ["state", <State of={of.state} />],
          ["message", of.status_message || "–"],
          ["gain", of.global_efficacy.map(gain).join(", ") || "–"],
          ...of.efficacy_indicators.map(
            (one): [string, string] => [
              one.description?.replace(/\.$/, "") ?? one.name,
              `${number(one.value)}${one.unit ? ` ${one.unit}` : ""}`,
            ],
          ),
          ["strategy", of.strategy_name ?? "–"],
          [
            "audit",
            of.audit_uuid ? (
              <A to={["audits", of.audit_uuid]}>{short(of.audit_uuid)}</A>
            ) : (
              "deleted"
            ),
          ],
          ["created", time(of.created_at)],
          ["uuid", <code>{of.uuid}</code>],
        ]}
      />
    </>
  );
}

/** What was not done; read only when it is opened, because it can be long. */
function Rejected({ plan }: { plan: string }) {
  const [isOpen, setOpen] = useState(false);
  const path = `/v1/action_plans/${encodeURIComponent(plan)}/explanation`;
  const answer = useAnswer<Explanation>(isOpen ? path : null, {}, "fixed");
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Why other moves were not made</summary>
      {isOpen && (
        <Shown answer={answer}>
          {(found) => (
            <>
              <Alternatives of={found.rejections} total={found.rejection_count} />
              <Remarks of={found.notes} />
            </>
          )}
        </Shown>
      )}
    </details>
  );
}

/** How many actions are in each state; failed ones first, even if there are none. */
function Counts({ of }: { of: Action[] }) {
  const counts = new Map([["FAILED", 0]]);
  for (const one of of) counts.set(one.state, (counts.get(one.state) ?? 0) + 1);
  return (
    <span class="counts">
      {[...counts].map(([state, count]) => (
        <span key={state} class={state === "FAILED" && count === 0 ? "quiet" : ""}>
          {count} <State of={state} />
        </span>
      ))}
    </span>
  );
}

function ActionTable({ plan, actions }: { plan: string; actions: Action[] }) {
  const link = useLink();
  return (
    <Table
      label="Actions"
      rows={actions}
      id={(one) => one.uuid}
      empty="The plan has no actions."
      columns={[
        {
          name: "state",
          kind: "status",
          sort: (one) => one.state,
          cell: (one) => <State of={one.state} />,
        },
        {
          name: "action",
          kind: "text",
          sort: (one) => target(one.input_parameters),
          cell: (one) => (
            <a href={link(["plans", plan, "actions", one.uuid])}>
              {target(one.input_parameters) || one.action_type}
            </a>
          ),
        },
        {
          name: "type",
          kind: "wide",
          sort: (one) => one.action_type,
          cell: (one) => one.action_type,
        },
        { name: "message", kind: "wide text", cell: (one) => one.status_message },
      ]}
    />
  );
}
