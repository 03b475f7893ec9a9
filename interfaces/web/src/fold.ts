// Events folded: what one object did in a row is one line.

import type { TimelineEvent } from "./types.ts";

export interface Fold {
  /** Of its newest event. */
  position: number;
  events: TimelineEvent[];
}

/** Neighbours of the same object that are folded, at least. */
export const LEAST = 4;

/** Events, newest first, as folds: one event each, or a series of one object's events. */
export function folded(events: TimelineEvent[]): Fold[] {
  const folds: Fold[] = [];
  for (let start = 0; start < events.length; ) {
    let end = start + 1;
    while (end < events.length && belongs(events[start]!, events[end]!)) end++;
    const series = events.slice(start, end);
    const parts = series.length >= LEAST ? [series] : series.map((one) => [one]);
    folds.push(...parts.map((part) => ({ position: part[0]!.position, events: part })));
    start = end;
  }
  return folds;
}

function belongs(one: TimelineEvent, other: TimelineEvent): boolean {
  return one.aggregate_id !== undefined && one.aggregate_id === other.aggregate_id;
}

/** The events whose text contains every word. */
export function matching(events: TimelineEvent[], words: string): TimelineEvent[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return events;
  return events.filter((one) => {
    const text = `${one.position} ${one.actor} ${one.type} ${one.summary}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
