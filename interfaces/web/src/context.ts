// What every part of the view can ask for.

import { createContext } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, type Query } from "./api.ts";
import { said, type Present } from "./live.ts";
import { format, type Route } from "./route.ts";
import type { Overview } from "./types.ts";

export interface View {
  route: Route;
  /** The moment that is shown: a log position or time; null = now. */
  at: string | null;
  present: Present;
  /** The overview of that moment; null while it loads. */
  overview: Overview | null;
}

export const ViewContext = createContext<View>(null as unknown as View);

export function useView(): View {
  return useContext(ViewContext);
}

/** Makes addresses within the view that keep the moment. */
export function useLink(): (path: string[], query?: Record<string, string | null>) => string {
  const { at } = useView();
  return (path, query = {}) => format(path, { at, ...query });
}

const SLOW = 15_000;

export interface Answer<T> {
  data: T | null;
  /** Why there is no data, or none newer. */
  error: string | null;
  isMissing: boolean;
  /** Whether the data is that of another moment, while that of the shown one is read. */
  isPending?: boolean;
}

const NOTHING = { data: null, error: null, isMissing: false };

interface Stored<T> extends Answer<T> {
  key: string;
  subject: string;
}

/**
 * What a path answers at the shown moment, read again with every reading of the present.
 *
 * path: null = nothing is asked. pace: "fixed": it never changes; "slow": it is long, and read again
 * every SLOW milliseconds only; "present": the path has no past.
 */
export function useAnswer<T>(
  path: string | null,
  query: Query = {},
  pace: "" | "fixed" | "slow" | "present" = "",
): Answer<T> {
  const { at, present } = useView();
  const moment = pace === "" || pace === "slow" ? at : null;
  const subject = JSON.stringify([path, query]);
  const key = JSON.stringify([subject, moment]);
  const reading = pace === "slow" ? Math.ceil((present.receivedAt ?? 0) / SLOW) : present.readings;
  const version = pace === "fixed" || moment !== null ? 0 : reading;
  const [stored, store] = useState<Stored<T>>({ ...NOTHING, key, subject });
  const running = useRef<AbortController | null>(null);
  const runningKey = useRef("");
  useEffect(() => {
    if (path === null) return;
    // a slow answer is not given up for the next reading of the same thing
    if (running.current !== null && runningKey.current === key) return;
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    runningKey.current = key;
    get<T>(path, { ...query, at: moment }, own.signal)
      .then((data) => store({ ...NOTHING, key, subject, data }))
      .catch((error: unknown) => {
        if (own.signal.aborted) return;
        const isMissing = error instanceof ApiError && error.status === 404;
        store((old) => ({
          key,
          subject,
          data: old.key === key && !isMissing ? old.data : null,
          error: said(error),
          isMissing,
        }));
      })
      .finally(() => {
        if (running.current === own) running.current = null;
      });
  }, [key, version]);
  useEffect(() => () => running.current?.abort(), []);
  if (stored.key === key) return stored;
  return stored.subject === subject ? { ...NOTHING, data: stored.data, isPending: true } : NOTHING;
}
