import { useAnswer, useLink } from "../context.ts";
import { target, time } from "../format.ts";
import { A, Alternatives, Facts, Panel, Shown, State, subject, Target } from "../parts.tsx";
import type { Action, Explanation, Reason } from "../types.ts";

/** What an action does, and why: its reason, the alternatives, the remarks on the plan. */
export function ActionPanel({ plan, of, all }: { plan: string; of: Action; all: Action[] }) {
  const link = useLink();
  const whose = subject(of.action_type, of.input_parameters);
  const query = whose === null ? {} : { [whose[0] === "hosts" ? "host" : "server"]: whose[1] };
  const answer = useAnswer<Explanation>(
    `/v1/action_plans/${encodeURIComponent(plan)}/explanation`,
    query,
    "fixed",
  );
  const before = all.filter((one) => of.parents.includes(one.uuid));
  const after = all.filter((one) => one.parents.includes(of.uuid));
  return (
    <Panel
      title={`${of.action_type} ${target(of.input_parameters)}`}
      aside={<a href={link(["plans", plan])}>close</a>}
    >
      <Shown answer={answer}>{(found) => <Reasons of={found} action={of.uuid} />}</Shown>
      <Facts
        of={[
          ["state", <State of={of.state} />],
          ["message", of.status_message || "–"],
          ["works on", <Target type={of.action_type} of={of.input_parameters} />],
          ["waits for", <Links plan={plan} of={before} />],
          ["is waited for by", <Links plan={plan} of={after} />],
          ["last change", time(of.updated_at)],
          ["parameters", <code>{JSON.stringify(of.input_parameters)}</code>],
          ["uuid", <code>{of.uuid}</code>],
        ]}
      />
    </Panel>
  );
}

function Reasons({ of, action }: { of: Explanation; action: string }) {
  const move = of.moves.find((one) => one.action_uuid === action);
  return (
    <div class="reasons">
      <h3>Reason</h3>
      <p data-reason>{move?.because.text ?? "No reason of this action is recorded."}</p>
      <h3>Alternatives that were rejected</h3>
      <Alternatives of={of.rejections} />
      <Remarks of={of.notes} />
    </div>
  );
}

export function Remarks({ of }: { of: Reason[] }) {
  if (of.length === 0) return null;
  return (
    <>
      <h3>Remarks on the plan</h3>
      <ul class="plain">
        {of.map((note, index) => (
          <li key={index}>{note.text}</li>
        ))}
      </ul>
    </>
  );
}

const SHOWN = 8;

function Links({ plan, of }: { plan: string; of: Action[] }) {
  if (of.length === 0) return <>nothing</>;
  return (
    <ul class="plain">
      {of.slice(0, SHOWN).map((one) => (
        <li key={one.uuid}>
          <State of={one.state} />{" "}
          <A to={["plans", plan, "actions", one.uuid]}>{target(one.input_parameters)}</A>
        </li>
      ))}
      {of.length > SHOWN && <li class="quiet">and {of.length - SHOWN} more</li>}
    </ul>
  );
}
