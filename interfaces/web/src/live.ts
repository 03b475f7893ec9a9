// The present: the overview, read again whenever the log grows and at intervals.

import { ApiError, follow, get } from "./api.ts";
import type { Picture } from "./health.ts";
import type { Overview } from "./types.ts";

const PACE = 1000;
/** Milliseconds between two readings at least, … */
const WITH_STREAM = 5000;
/** … at most while events are streamed (heartbeats and progress are no events), … */
const WITHOUT_STREAM = 2000;
/** … and while they are not. */
const BACK_OFF = [1000, 2000, 5000, 10_000, 30_000];
/** Before the stream is opened again. */

export interface Present extends Picture {
  isStreaming: boolean;
  needsToken: boolean;
  /** Grows with every reading: what else is shown is read again too. */
  readings: number;
}

type Listener = (present: Present) => void;

export class Live {
  present: Present = {
    overview: null,
    receivedAt: null,
    failure: null,
    isStreaming: false,
    needsToken: false,
    readings: 0,
  };
  private timer: number | undefined;
  private due = Infinity;
  private isReading = false;
  private lastRead = -Infinity;
  private attempts = 0;

  private listener: Listener = () => undefined;

  listen(listener: Listener): void {
    this.listener = listener;
  }

  start(): void {
    void this.read();
    void this.stream();
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.wake();
    });
  }

  /** Reads soon. */
  wake(): void {
    this.plan(Math.max(0, this.lastRead + PACE - performance.now()));
  }

  private change(changes: Partial<Present>): void {
    this.present = { ...this.present, ...changes };
    this.listener(this.present);
  }

  private plan(delay: number): void {
    const due = performance.now() + delay;
    if (this.isReading || due >= this.due) {
      this.due = Math.min(this.due, due);
      return;
    }
    window.clearTimeout(this.timer);
    this.due = due;
    this.timer = window.setTimeout(() => void this.read(), delay);
  }

  private async read(): Promise<void> {
    if (this.isReading) return;
    window.clearTimeout(this.timer);
    this.due = Infinity;
    this.isReading = true;
    this.lastRead = performance.now();
    try {
      if (!document.hidden) await this.readOnce();
    } finally {
      this.isReading = false;
      const usual = this.present.isStreaming ? WITH_STREAM : WITHOUT_STREAM;
      const wanted = this.due - performance.now();
      this.due = Infinity;
      const soonest = Math.max(0, this.lastRead + PACE - performance.now());
      this.plan(Math.max(soonest, Math.min(usual, wanted)));
    }
  }

  private async readOnce(): Promise<void> {
    try {
      const overview = await get<Overview>("/v1/overview");
      const readings = this.present.readings + 1;
      const receivedAt = Date.now();
      this.change({ overview, receivedAt, failure: null, needsToken: false, readings });
    } catch (error) {
      const needsToken = error instanceof ApiError && error.status === 401;
      this.change({ failure: said(error), needsToken });
    }
  }

  private async stream(): Promise<void> {
    for (;;) {
      try {
        await follow(() => this.opened(), () => this.wake(), new AbortController().signal);
      } catch {
        // the reading shows what is wrong; without a stream it is more frequent
      }
      this.change({ isStreaming: false });
      this.wake();
      const wait = BACK_OFF[Math.min(this.attempts++, BACK_OFF.length - 1)]!;
      await new Promise((done) => window.setTimeout(done, wait));
    }
  }

  private opened(): void {
    this.attempts = 0;
    this.change({ isStreaming: true });
    this.wake();
  }
}

/** A failure as a text for the user. */
export function said(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  if (error instanceof DOMException && error.name === "TimeoutError") return "it took too long";
  return "the connection failed";
}
