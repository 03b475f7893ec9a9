// Small parts that the screens share.

import type { ComponentChildren } from "preact";
import { useLink, type Answer } from "./context.ts";
import { target } from "./format.ts";
import type { Alternative } from "./types.ts";

/** State → class of its colour and a sign that says the same without colour. */
const SIGNS: Record<string, [string, string]> = {
  SUCCEEDED: ["good", "✓"],
  ACTIVE: ["good", "✓"],
  up: ["good", "✓"],
  ok: ["good", "✓"],
  ONGOING: ["busy", "▶"],
  CANCELLING: ["busy", "◼"],
  PENDING: ["idle", "…"],
  RECOMMENDED: ["new", "★"],
  FAILED: ["bad", "✗"],
  failed: ["bad", "✗"],
  down: ["bad", "✗"],
  blind: ["bad", "?"],
  disabled: ["warn", "⊘"],
  warning: ["warn", "!"],
  SUSPENDED: ["warn", "‖"],
  CANCELLED: ["warn", "⊘"],
  SKIPPED: ["warn", "↷"],
};

export function sign(state: string): [string, string] {
  return SIGNS[state] ?? ["idle", "·"];
}

export function State({ of }: { of: string }) {
  const [tone, mark] = sign(of);
  return (
    <span class={`state ${tone}`}>
      <span aria-hidden="true">{mark}</span> {of}
    </span>
  );
}

export function A(props: { to: string[]; query?: Record<string, string>; children: ComponentChildren }) {
  const link = useLink();
  return <a href={link(props.to, props.query)}>{props.children}</a>;
}

export function Panel(props: { title: string; children: ComponentChildren; aside?: ComponentChildren }) {
  return (
    <section class="panel">
      <header>
        <h2>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

export function Facts({ of }: { of: [string, ComponentChildren][] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The data of an answer, or what there is instead. */
export function Shown<T>(props: { answer: Answer<T>; children: (data: T) => ComponentChildren }) {
  const { data, error, isMissing, isPending } = props.answer;
  if (data === null) {
    if (error === null) return <p class="quiet">Loading …</p>;
    return (
      <p class={isMissing ? "quiet" : "error"} role="alert">
        {isMissing ? "There is nothing here: " : "Not readable: "}
        {error}
      </p>
    );
  }
  return (
    <>
      {error !== null && (
        <p class="error" role="alert">
          Not read again ({error}); this is the last answer.
        </p>
      )}
      <div class={isPending ? "pending" : ""} aria-busy={isPending}>
        {props.children(data)}
      </div>
    </>
  );
}

export function Bar(props: { value: number; of: number; bad?: number; label: string }) {
  const share = (count: number) => `${props.of > 0 ? (count / props.of) * 100 : 0}%`;
  return (
    <span class="bar" role="img" aria-label={props.label}>
      <span class="done" style={{ width: share(props.value - (props.bad ?? 0)) }} />
      <span class="lost" style={{ width: share(props.bad ?? 0) }} />
    </span>
  );
}

export function Alternatives({ of, total }: { of: Alternative[]; total?: number }) {
  const link = useLink();
  if (of.length === 0) return <p class="quiet">No rejected alternative is recorded for it.</p>;
  return (
    <>
      <ul class="plain">
        {of.map((one, index) => (
          <li key={index}>
            {one.kind === "server" || one.kind === "host" ? (
              <a href={link([`${one.kind}s`, one.id])}>{one.subject}</a>
            ) : (
              one.subject
            )}
            : {one.because.text}
          </li>
        ))}
      </ul>
      {total !== undefined && total > of.length && (
        <p class="quiet">
          {of.length} of {total} are shown.
        </p>
      )}
    </>
  );
}

const ON_HOSTS = /^change_no(va|de)_/;

/** Kind and name of what an action works on; null if it is neither a server nor a host. */
export function subject(type: string, parameters: Record<string, unknown>): [string, string] | null {
  const id = parameters["resource_id"];
  if (typeof id !== "string" || type.startsWith("volume")) return null;
  if (!ON_HOSTS.test(type)) return ["servers", id];
  const name = parameters["resource_name"];
  return ["hosts", typeof name === "string" ? name : id];
}

export function Target({ type, of }: { type: string; of: Record<string, unknown> }) {
  const link = useLink();
  const whose = subject(type, of);
  const text = target(of);
  return whose === null ? <>{text}</> : <a href={link(whose)}>{text}</a>;
}
