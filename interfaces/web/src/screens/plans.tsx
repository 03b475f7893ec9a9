import { useView } from "../context.ts";
import { duration, gain, number, short } from "../format.ts";
import { A, Bar, Panel, State } from "../parts.tsx";
import { Table } from "../table.tsx";
import type { Plan } from "../types.ts";

export function PlansScreen() {
  const { overview } = useView();
  return (
    <Panel title="Action plans">
      {overview === null ? <p class="quiet">Loading …</p> : <PlanTable plans={overview.plans} />}
    </Panel>
  );
}

export function PlanTable({ plans }: { plans: Plan[] }) {
  return (
    <Table
      label="Action plans"
      rows={plans}
      id={(plan) => plan.uuid}
      empty="There are no action plans."
      columns={[
        { name: "plan", cell: (plan) => <A to={["plans", plan.uuid]}>{short(plan.uuid)}</A> },
        { name: "state", sort: (plan) => plan.state, cell: (plan) => <State of={plan.state} /> },
        {
          name: "gain",
          sort: (plan) => (typeof plan.gain?.value === "number" ? plan.gain.value : 0),
          cell: (plan) => (plan.gain ? gain(plan.gain) : "–"),
        },
        {
          name: "moves",
          kind: "number",
          sort: (plan) => plan.moves,
          cell: (plan) => number(plan.moves),
        },
        {
          name: "age",
          kind: "number",
          sort: (plan) => plan.age,
          cell: (plan) => duration(plan.age),
        },
        {
          name: "progress",
          kind: "wide",
          cell: (plan) => (
            <>
              <Bar
                value={plan.ended}
                of={plan.total}
                bad={plan.failed}
                label={`${plan.ended} of ${plan.total} actions ended`}
              />{" "}
              {plan.ended}/{plan.total}
            </>
          ),
        },
        {
          name: "failed",
          kind: "number wide",
          sort: (plan) => plan.failed,
          cell: (plan) => (plan.failed > 0 ? <strong class="bad">✗ {plan.failed}</strong> : "0"),
        },
        { name: "strategy", kind: "wide text", cell: (plan) => plan.strategy },
      ]}
    />
  );
}
