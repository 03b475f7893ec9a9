import { useAnswer, useLink, useView } from "../context.ts";
import { gain, number, short, time } from "../format.ts";
import { Graph } from "../plan_graph.tsx";
import { A, Facts, Panel, Shown, State, Target } from "../parts.tsx";
import { Table } from "../table.tsx";
import type { Action, Plan } from "../types.ts";
import { ActionPanel } from "./action.tsx";
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
          name: "action",
          sort: (one) => one.action_type,
          cell: (one) => <a href={link(["plans", plan, "actions", one.uuid])}>{one.action_type}</a>,
        },
        { name: "state", sort: (one) => one.state, cell: (one) => <State of={one.state} /> },
        {
          name: "target",
          kind: "text",
          cell: (one) => <Target type={one.action_type} of={one.input_parameters} />,
        },
        { name: "message", kind: "wide text", cell: (one) => one.status_message },
      ]}
    />
  );
}
