// The slider over the past: which moment every screen shows.

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.ts";
import { useView } from "./context.ts";
import { time } from "./format.ts";
import { format } from "./route.ts";
import type { TimelineEvent } from "./types.ts";

const PAUSE = 150;
/** Milliseconds that the slider rests before the moment is asked for. */

export function Moments() {
  const { route, at, present } = useView();
  const end = present.overview?.end ?? 0;
  const [wanted, want] = useState<number | null>(null);
  const timer = useRef(0);
  const position = wanted ?? (at === null ? end : Number(at));
  const event = useEventAt(at);
  const show = (next: number | null): void => {
    const at = next === null || next >= end ? null : String(Math.max(1, next));
    location.hash = format(route.path, { ...route.query, at });
    want(null);
  };
  const slide = (next: number): void => {
    want(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => show(next), PAUSE);
  };
  return (
    <form
      class={at === null ? "moments" : "moments past"}
      aria-label="Moment that is shown"
      onSubmit={(event) => event.preventDefault()}
    >
      <button type="button" data-back aria-label="One event back" onClick={() => show(position - 1)}>
        ‹
      </button>
      <input
        type="range"
        min={1}
        max={Math.max(1, end)}
        value={Number.isNaN(position) ? end : position}
        aria-label="Position in the log"
        aria-valuetext={at === null ? "now" : `position ${at}`}
        onInput={(event) => slide(Number(event.currentTarget.value))}
      />
      <button
        type="button"
        data-forward
        aria-label="One event forward"
        disabled={at === null}
        onClick={() => show(position + 1)}
      >
        ›
      </button>
      <button type="button" data-now disabled={at === null} onClick={() => show(null)}>
        Now
      </button>
      <output data-moment>
        {wanted !== null ? `position ${wanted}` : at === null ? "now" : said(at, event)}
      </output>
    </form>
  );
}

function said(at: string, event: TimelineEvent | null): string {
  if (!/^\d+$/.test(at)) return `the past: ${time(at)}`;
  if (event === null) return `the past: position ${at}`;
  return `the past: ${time(event.at)}, position ${at}: ${event.summary}`;
}

/** The event at a position of the log, or the one before; null while it is looked up. */
function useEventAt(at: string | null): TimelineEvent | null {
  const [found, keep] = useState<{ at: string; event: TimelineEvent | null } | null>(null);
  useEffect(() => {
    if (at === null || !/^\d+$/.test(at)) return;
    const own = new AbortController();
    get<{ events: TimelineEvent[] }>("/v1/events", { after: Number(at) - 1, limit: 1 }, own.signal)
      .then(({ events }) => keep({ at, event: events[0] ?? null }))
      .catch(() => undefined); // the position alone is shown
    return () => own.abort();
  }, [at]);
  return found !== null && found.at === at ? found.event : null;
}
