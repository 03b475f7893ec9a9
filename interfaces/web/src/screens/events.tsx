import { useState } from "preact/hooks";
import { useAnswer, useLink, useView } from "../context.ts";
import { plural, time } from "../format.ts";
import { folded, matching, type Fold } from "../fold.ts";
import { A, Panel, Shown } from "../parts.tsx";
import { format } from "../route.ts";
import type { TimelineEvent } from "../types.ts";

const PAGE = 500;

export function EventsScreen() {
  const { route, overview, at } = useView();
  const [words, setWords] = useState(route.query["filter"] ?? "");
  const end = at !== null && /^\d+$/.test(at) ? Number(at) : (overview?.end ?? null);
  const last = Number(route.query["before"] ?? end);
  const after = end === null ? null : Math.max(0, last - PAGE);
  const answer = useAnswer<{ events: TimelineEvent[] }>(
    after === null ? null : "/v1/events",
    { after, limit: PAGE },
    "present",
  );
  const link = useLink();
  return (
    <Panel
      title="Events"
      aside={
        <input
          type="search"
          data-filter
          placeholder="Filter"
          aria-label="Filter events"
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      }
    >
      <Shown answer={answer}>
        {({ events }) => {
          const before = events.filter((one) => one.position <= last).toReversed();
          return <Timeline of={folded(matching(before, words))} />;
        }}
      </Shown>
      <p>
        {route.query["before"] && <a href={link(["events"])}>newest</a>}{" "}
        {after !== null && after > 0 && (
          <a href={link(["events"], { before: String(after) })}>older</a>
        )}
      </p>
    </Panel>
  );
}

function Timeline({ of }: { of: Fold[] }) {
  if (of.length === 0) return <p class="quiet">No event matches.</p>;
  return (
    <ol class="plain events">
      {of.map((fold) =>
        fold.events.length === 1 ? (
          <EventLine key={fold.position} of={fold.events[0]!} />
        ) : (
          <Series key={fold.events[fold.events.length - 1]!.position} of={fold.events} />
        ),
      )}
    </ol>
  );
}

function Series({ of }: { of: TimelineEvent[] }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <li>
      <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          {plural(of.length, "event")}, {time(of[of.length - 1]!.at)} to {time(of[0]!.at)}: the
          newest is <Summary of={of[0]!} />
        </summary>
        {isOpen && <EventList events={of} />}
      </details>
    </li>
  );
}

export function EventList({ events }: { events: TimelineEvent[] }) {
  if (events.length === 0) return <p class="quiet">No events.</p>;
  return (
    <ol class="plain events">
      {events.map((one) => (
        <EventLine key={one.position} of={one} />
      ))}
    </ol>
  );
}

function EventLine({ of }: { of: TimelineEvent }) {
  const { route } = useView();
  const then = format(route.path, { ...route.query, at: String(of.position) });
  return (
    <li>
      <a href={then} title={`Show the state at position ${of.position}`} class="moment">
        {time(of.at)}
      </a>{" "}
      <span class="quiet">{of.actor}</span> <Summary of={of} />
    </li>
  );
}

/** The sentence of an event, which leads to what it is about. */
function Summary({ of }: { of: TimelineEvent }) {
  const to = place(of);
  return to === null ? <>{of.summary}</> : <A to={to}>{of.summary}</A>;
}

function place(of: TimelineEvent): string[] | null {
  const [kind] = of.type.split(".");
  if (of.plan) return ["plans", of.plan];
  if (of.audit) return ["audits", of.audit];
  if (of.aggregate_id === undefined) return null;
  if (kind === "plan" || kind === "action" || kind === "action_plan") {
    return ["plans", of.aggregate_id];
  }
  return kind === "audit" ? ["audits", of.aggregate_id] : null;
}
