import { useAnswer } from "../context.ts";
import { short, time } from "../format.ts";
import { A, Alternatives, Panel, Shown, State, Target } from "../parts.tsx";
import type { Decision } from "../types.ts";

/** What was decided about a server or a host, newest first. */
export function Decisions({ path }: { path: string }) {
  const answer = useAnswer<{ decisions: Decision[] }>(path, {}, "present");
  return (
    <Panel title="What was decided about it, and why">
      <Shown answer={answer}>
        {({ decisions }) =>
          decisions.length === 0 ? (
            <p class="quiet">No plan concerned it.</p>
          ) : (
            <ul class="plain cards">
              {decisions.map((one) => (
                <OneDecision key={one.action_plan_uuid} of={one} />
              ))}
            </ul>
          )
        }
      </Shown>
    </Panel>
  );
}

function OneDecision({ of }: { of: Decision }) {
  return (
    <li>
      <p>
        <State of={of.state} />{" "}
        <A to={["plans", of.action_plan_uuid]}>plan {short(of.action_plan_uuid)}</A>{" "}
        <span class="quiet">
          {of.strategy_name}, {time(of.created_at)}
        </span>
      </p>
      <ul class="plain">
        {of.actions.map((one) => (
          <li key={one.uuid}>
            <State of={one.state} />{" "}
            <A to={["plans", of.action_plan_uuid, "actions", one.uuid]}>{one.action_type}</A>{" "}
            <Target type={one.action_type} of={one.input_parameters} />
            : <span data-reason>{one.because}</span>
            {one.status_message && <span class="quiet"> ({one.status_message})</span>}
          </li>
        ))}
      </ul>
      {of.rejections !== null && of.rejections.length > 0 && (
        <details>
          <summary>{of.rejections.length} rejected alternatives</summary>
          <Alternatives of={of.rejections} />
        </details>
      )}
      {of.rejections === null && (
        <p class="quiet">The rejected alternatives of this plan are not listed here.</p>
      )}
    </li>
  );
}
