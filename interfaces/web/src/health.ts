// What the banner says. It is green only if a fresh overview says that all is well.

import { duration } from "./format.ts";
import type { Overview, Problem } from "./types.ts";

/** Seconds after which a picture is too old to be called the present. */
export const OLD = 20;

export interface Picture {
  overview: Overview | null;
  /** When the overview came, milliseconds. */
  receivedAt: number | null;
  /** Why the last request failed, null if it did not. */
  failure: string | null;
}

export interface Banner {
  state: "ok" | "warning" | "blind" | "failed" | "unknown";
  text: string;
  /** Whether what is on the screen may no longer be true. */
  old: boolean;
}

const RANK = { failed: 0, blind: 1, warning: 2 };

export function worstFirst(problems: Problem[]): Problem[] {
  return problems.toSorted((one, other) => RANK[one.severity] - RANK[other.severity]);
}

export function banner(picture: Picture, now: number): Banner {
  const { overview, receivedAt, failure } = picture;
  if (overview === null || receivedAt === null) {
    if (failure === null) return { state: "unknown", text: "Loading …", old: false };
    return { state: "failed", text: `No answer from the API: ${failure}`, old: false };
  }
  const age = (now - receivedAt) / 1000;
  const seen = `What you see is ${duration(age)} old`;
  if (failure !== null) {
    return { state: "failed", text: `No answer from the API: ${failure}. ${seen}.`, old: true };
  }
  if (age > OLD) {
    return { state: "unknown", text: `${seen}; waiting for the API.`, old: true };
  }
  return { ...summary(overview), old: false };
}

function summary({ health }: Overview): { state: Banner["state"]; text: string } {
  const [first, ...more] = worstFirst(health.problems);
  if (first === undefined) {
    if (health.state === "ok") return { state: "ok", text: "Healthy: no problems" };
    return { state: health.state, text: `The state is ${health.state}` };
  }
  const state = health.state === "ok" ? first.severity : health.state;
  return { state, text: more.length ? `${first.text} (and ${more.length} more)` : first.text };
}
