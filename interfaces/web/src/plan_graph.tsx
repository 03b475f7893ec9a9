// The actions of a plan as a graph: waves from left to right in the order of execution.

import { useMemo } from "preact/hooks";
import { useLink } from "./context.ts";
import { target } from "./format.ts";
import { layout, type Placed } from "./graph.ts";
import { sign } from "./parts.tsx";
import { arrow } from "./keys.ts";
import type { Action } from "./types.ts";

const STEP = 28;
const SIZE = 20;
/** Pixels: from one square to the next, and of the square of an action. */
const EDGES = 1500;
/** More than these are drawn for the chosen action only. */

export function Graph(props: { actions: Action[]; plan: string; chosen?: string | undefined }) {
  const { actions, chosen } = props;
  const link = useLink();
  // the edges of a plan never change, so that its places are found once
  const edges = actions.map((one) => one.uuid + one.parents.join()).join();
  const places = useMemo(() => layout(actions), [edges]);
  if (actions.length === 0) return <p class="quiet">The plan has no actions.</p>;
  const all = [...places.values()];
  const width = (Math.max(...all.map((one) => one.x)) + 1) * STEP;
  const height = (Math.max(...all.map((one) => one.y)) + 1) * STEP;
  const current = actions.find((one) => one.uuid === chosen);
  return (
    <div class="graph">
      <svg width={width} height={height} role="group" aria-label="Graph of the actions">
        <Edges of={actions} places={places} chosen={chosen} />
        {actions.map((one) => (
          <Square
            key={one.uuid}
            of={one}
            at={places.get(one.uuid)!}
            isChosen={one.uuid === chosen}
            isStop={one.uuid === (current ?? actions[0]!).uuid}
            href={link(["plans", props.plan, "actions", one.uuid])}
          />
        ))}
      </svg>
    </div>
  );
}

function Square(props: { of: Action; at: Placed; isChosen: boolean; isStop: boolean; href: string }) {
  const { of, at } = props;
  const [tone, mark] = sign(of.state);
  const text = `${of.action_type} ${target(of.input_parameters)}: ${of.state}`;
  return (
    <a
      href={props.href}
      class={`node ${tone}${props.isChosen ? " chosen" : ""}`}
      aria-label={text}
      aria-current={props.isChosen ? "true" : undefined}
      tabIndex={props.isStop ? 0 : -1}
      data-cell
      onKeyDown={arrow}
    >
      <title>{text}</title>
      <rect
        x={at.x * STEP + 2}
        y={at.y * STEP + 2}
        width={SIZE}
        height={SIZE}
        rx="4"
      />
      <text x={at.x * STEP + 2 + SIZE / 2} y={at.y * STEP + 17} aria-hidden="true">
        {mark}
      </text>
    </a>
  );
}

function Edges(props: {
  of: Action[];
  places: Map<string, Placed>;
  chosen: string | undefined;
}) {
  const { of, places, chosen } = props;
  const all = useMemo(
    () =>
      of.flatMap((one) =>
        one.parents
          .filter((parent) => places.has(parent))
          .map((parent): [string, string] => [parent, one.uuid]),
      ),
    [places],
  );
  const touching = all.filter((edge) => chosen !== undefined && edge.includes(chosen));
  const rest = all.length > EDGES ? [] : all;
  return (
    <>
      <path class="edge" d={rest.map((edge) => line(edge, places)).join("")} />
      <path class="edge chosen" d={touching.map((edge) => line(edge, places)).join("")} />
    </>
  );
}

function line([parent, child]: [string, string], places: Map<string, Placed>): string {
  const [from, to] = [places.get(parent)!, places.get(child)!];
  const [x1, y1] = [from.x * STEP + 2 + SIZE, from.y * STEP + 2 + SIZE / 2];
  const [x2, y2] = [to.x * STEP + 2, to.y * STEP + 2 + SIZE / 2];
  const middle = (x1 + x2) / 2;
  return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
}
