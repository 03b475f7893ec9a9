import { useView } from "../context.ts";
import { bytes, duration, gain, number, percent, plural, short, time } from "../format.ts";
import { worstFirst } from "../health.ts";
import { A, Bar, Facts, Panel, State } from "../parts.tsx";
import { Table } from "../table.tsx";
import type { Overview, Plan, Running } from "../types.ts";
import { EventList } from "./events.tsx";

const SHOWN_EVENTS = 12;
const ACTIVE = new Set(["ONGOING", "CANCELLING", "PENDING", "RECOMMENDED"]);

export function OverviewScreen() {
  const { overview, at } = useView();
  if (overview === null) return <p class="quiet">Loading …</p>;
  return (
    <>
      {at === null && <Problems of={overview} />}
      <div class="columns">
        <Panel title="Action plans" aside={<A to={["plans"]}>all</A>}>
          <PlanCards plans={overview.plans.filter((plan) => ACTIVE.has(plan.state))} />
        </Panel>
        <Panel title="Newest events" aside={<A to={["events"]}>all</A>}>
          <EventList events={overview.events.toReversed().slice(0, SHOWN_EVENTS)} />
        </Panel>
        {at === null && (
          <>
            <Panel title="Roles">
              <Roles of={overview} />
            </Panel>
            <Panel title="Cluster models">
              <Models of={overview} />
            </Panel>
          </>
        )}
        <Panel title="Audits" aside={<A to={["audits"]}>all</A>}>
          <ul class="plain">
            {overview.audits.slice(0, 8).map((audit) => (
              <li key={audit.uuid}>
                <State of={audit.state} /> <A to={["audits", audit.uuid]}>{audit.name}</A>{" "}
                <span class="quiet">{audit.goal}</span>
              </li>
            ))}
          </ul>
        </Panel>
        <Panel title="Installation">
          <Installation of={overview} />
        </Panel>
      </div>
    </>
  );
}

function Problems({ of }: { of: Overview }) {
  if (of.health.problems.length === 0) return null;
  return (
    <Panel title={plural(of.health.problems.length, "problem")}>
      <ul class="plain problems">
        {worstFirst(of.health.problems).map((one) => (
          <li key={one.code + one.subject} class={one.severity}>
            <State of={one.severity} /> {one.text}
            {one.since && <span class="quiet"> Since {time(one.since)}.</span>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function PlanCards({ plans }: { plans: Plan[] }) {
  if (plans.length === 0) return <p class="quiet">No plan waits or runs.</p>;
  return (
    <ul class="plain cards">
      {plans.map((plan) => (
        <li key={plan.uuid}>
          <p>
            <State of={plan.state} /> <A to={["plans", plan.uuid]}>plan {short(plan.uuid)}</A>{" "}
            <span class="quiet">
              {plan.strategy}, {duration(plan.age)} old
            </span>
          </p>
          <p class="quiet">
            {plural(plan.moves, "move")}
            {plan.gain && <>, gain: {gain(plan.gain)}</>}
          </p>
          {plan.state !== "RECOMMENDED" && <Progress of={plan} />}
        </li>
      ))}
    </ul>
  );
}

export function Progress({ of }: { of: Plan }) {
  const done = `${of.ended} of ${plural(of.total, "action")} ended`;
  return (
    <div>
      <Bar value={of.ended} of={of.total} bad={of.failed} label={done} />
      <p>
        {done}
        {of.ongoing > 0 && <>, {of.ongoing} running</>}
        {of.failed > 0 && <strong class="bad"> ✗ {of.failed} failed</strong>}
        {of.rest && (
          <span class="quiet">
            , {rest(of.rest)}
          </span>
        )}
      </p>
      <RunningActions of={of.running} plan={of.uuid} />
    </div>
  );
}

function rest(of: NonNullable<Plan["rest"]>): string {
  if (of.seconds === null) return "it is not known how long the rest takes";
  const range = of.low === undefined ? "" : ` (${duration(of.low)} to ${duration(of.high)})`;
  return `about ${duration(of.seconds)} left${range}`;
}

function RunningActions({ of, plan }: { of: Running[]; plan: string }) {
  return (
    <ul class="plain">
      {of.map((one) => (
        <li key={one.uuid}>
          <A to={["plans", plan, "actions", one.uuid]}>
            {one.action_type} {one.target}
          </A>{" "}
          <span class="quiet">
            {duration(one.seconds)}
            {one.percent !== null && <>, {percent(one.percent / 100)}</>}
            {one.copied !== null && one.size !== null && (
              <>
                , {bytes(one.copied)} of {bytes(one.size)}
              </>
            )}
            {one.rate !== null && <>, {bytes(one.rate)}/s</>}
          </span>
          {one.stalled && <strong class="warn"> ! no progress</strong>}
        </li>
      ))}
    </ul>
  );
}

function Roles({ of }: { of: Overview }) {
  return (
    <Table
      label="Roles"
      rows={of.roles}
      id={(role) => `${role.name} ${role.host}`}
      empty="No role has sent a heartbeat."
      columns={[
        { name: "role", cell: (role) => role.name.replace(/^watcher-/, "") },
        { name: "state", cell: (role) => <State of={role.state} /> },
        { name: "heartbeat", kind: "number", cell: (role) => (role.age === null ? "–" : `${duration(role.age)} ago`) },
        { name: "restarts", kind: "number wide", cell: (role) => number(role.restarts) },
        { name: "doing", kind: "wide text", cell: (role) => role.doing },
      ]}
    />
  );
}

function Models({ of }: { of: Overview }) {
  return (
    <Table
      label="Cluster models"
      rows={of.models}
      id={(model) => model.cloud + model.kind}
      empty="No model was collected yet."
      columns={[
        { name: "model", cell: (model) => `${model.kind} of ${model.cloud}` },
        {
          name: "state",
          cell: (model) =>
            model.failure !== null || model.stale ? (
              <span class="state bad">? {model.failure ?? "too old"}</span>
            ) : model.absent ? (
              <span class="state idle">· none</span>
            ) : (
              <State of="ok" />
            ),
        },
        { name: "age", kind: "number", cell: (model) => duration(model.age) },
        {
          name: "holds",
          kind: "wide text",
          cell: (model) =>
            Object.entries(model.sizes)
              .map(([what, count]) => `${number(count)} ${what}`)
              .join(", "),
        },
      ]}
    />
  );
}

function Installation({ of }: { of: Overview }) {
  const { installation, actuation } = of;
  return (
    <Facts
      of={[
        ["version", installation.version],
        ["cloud", `${installation.cloud ?? "unknown"}${installation.simulated ? " (simulated)" : ""}`],
        ["database", installation.database],
        ["actuation", actuation.on ? "on" : `off: ${actuation.reason ?? "no reason given"}`],
        ["end of the log", number(of.end)],
        ["quarantined events", number(of.quarantined)],
        [
          "projections",
          of.projections
            .map((one) => `${one.name}: ${one.lag === 0 ? "up to date" : `${one.lag} behind`}`)
            .join(", ") || "not recorded",
        ],
      ]}
    />
  );
}
