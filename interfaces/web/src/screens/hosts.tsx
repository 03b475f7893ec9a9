import { memo } from "preact/compat";
import { useMemo, useState } from "preact/hooks";
import { useAnswer, useLink, useView } from "../context.ts";
import { duration, number, percent, plural, short, time } from "../format.ts";
import { heat, MEASURES, share, STEPS, zones } from "../heat.ts";
import { arrow } from "../keys.ts";
import { Panel, Shown } from "../parts.tsx";
import { format } from "../route.ts";
import type { Host, ModelOfMoment, Plan, Resource } from "../types.ts";

interface Hosts {
  model: ModelOfMoment;
  hosts: Host[];
}

const MANY = 300;
/** More hosts are shown as small tiles without figures. */

export function HostsScreen() {
  const { route, overview } = useView();
  const measure = (route.query["show"] ?? "memory_mb") as Resource;
  const plan = route.query["plan"] ?? "";
  const [words, setWords] = useState("");
  const answer = useAnswer<Hosts>("/v1/hosts", { plan: plan || null }, "slow");
  const change = (changes: Record<string, string>): void => {
    location.hash = format(route.path, { ...route.query, ...changes });
  };
  return (
    <Panel title="Hosts" aside={<Age of={answer.data?.model} />}>
      <form class="controls" onSubmit={(event) => event.preventDefault()}>
        <label>
          colour{" "}
          <select value={measure} onChange={(event) => change({ show: event.currentTarget.value })}>
            {Object.entries(MEASURES).map(([name, text]) => (
              <option key={name} value={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          before and after{" "}
          <select value={plan} onChange={(event) => change({ plan: event.currentTarget.value })}>
            <option value="">no plan</option>
            {planChoices(overview?.plans ?? [], plan).map((one) => (
              <option key={one.uuid} value={one.uuid}>
                plan {short(one.uuid)} {one.state.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        <input
          type="search"
          data-filter
          placeholder="Filter"
          aria-label="Filter hosts"
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      </form>
      <Legend withPlan={plan !== ""} />
      <Shown answer={answer}>
        {({ hosts }) => <Zones hosts={hosts} words={words} measure={measure} plan={plan} />}
      </Shown>
    </Panel>
  );
}

function planChoices(plans: Plan[], chosen: string): { uuid: string; state: string }[] {
  const known = plans.some((plan) => plan.uuid === chosen);
  return known || chosen === "" ? plans : [{ uuid: chosen, state: "" }, ...plans];
}

export function Age({ of }: { of: ModelOfMoment | undefined }) {
  if (of === undefined) return null;
  return (
    <span class="quiet">
      model of {of.cloud},{" "}
      {of.age === null ? `collected ${time(of.collected_at)}` : `${duration(of.age)} old`}
    </span>
  );
}

function Legend({ withPlan }: { withPlan: boolean }) {
  const last = STEPS - 1;
  return (
    <p class="legend">
      {Array.from({ length: STEPS }, (_, step) => (
        <span key={step}>
          <i style={{ background: `var(--heat-${step})` }} aria-hidden="true" />
          {step === last ? "> 100 %" : `${Math.round((step / last) * 100)}`}
        </span>
      ))}
      <span>
        <i style={{ background: "var(--heat-none)" }} aria-hidden="true" /> no limit
      </span>
      <span>⊘ disabled</span>
      <span>✗ down</span>
      {withPlan && <span>left half: now; right half: after the plan; framed: changed</span>}
    </p>
  );
}

function Zones(props: { hosts: Host[]; words: string; measure: Resource; plan: string }) {
  const { hosts, words, measure, plan } = props;
  const link = useLink();
  const isSmall = hosts.length > MANY;
  const grouped = useMemo(
    () => zones(hosts.filter((one) => one.name.toLowerCase().includes(words.toLowerCase()))),
    [hosts, words],
  );
  const first = grouped[0]?.[1][0]?.name;
  if (first === undefined) return <p class="quiet">No host matches.</p>;
  return (
    <div role="group" aria-label="Map of hosts; arrow keys move, Enter opens">
      {grouped.map(([zone, members]) => (
        <section key={zone} class="zone">
          <h3>
            {zone || "no zone"} <span class="quiet">{plural(members.length, "host")}</span>
          </h3>
          <div class={isSmall ? "tiles small" : "tiles"}>
            {members.map((host) => (
              <Tile
                key={host.name}
                name={host.name}
                isStop={host.name === first}
                href={link(["hosts", host.name], plan ? { plan } : {})}
                mark={host.state === "down" ? "✗" : host.status === "disabled" ? "⊘" : ""}
                before={share(host[measure].used, host[measure])}
                after={plan && host.after ? share(host.after[measure], host[measure]) : null}
                servers={host.servers}
                isSmall={isSmall}
              />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

interface TileProps {
  name: string;
  isStop: boolean;
  href: string;
  mark: string;
  before: number | null;
  after: number | null;
  servers: number;
  isSmall: boolean;
}

/** "62" or, with a plan, "62→80". */
function figure(...shares: (number | null)[]): string {
  return shares
    .filter((one) => one !== null)
    .map((one) => Math.round(one * 100))
    .join("→");
}

/** One host. Its properties are plain values, so that only tiles that change are drawn again. */
const Tile = memo(function Tile(props: TileProps) {
  const { name, mark, before, after } = props;
  const isChanged = after !== null && before !== null && Math.abs(after - before) > 1e-6;
  const shown = after === null ? percent(before) : `${percent(before)} → ${percent(after)}`;
  const status = mark === "✗" ? ", down" : mark === "⊘" ? ", disabled" : "";
  const text = `${name}: ${shown}, ${number(props.servers)} servers${status}`;
  return (
    <a
      class={isChanged ? "tile changed" : "tile"}
      href={props.href}
      data-cell
      tabIndex={props.isStop ? 0 : -1}
      onKeyDown={arrow}
      aria-label={text}
      title={text}
      style={{ "--before": heat(before), "--after": heat(after ?? before) }}
    >
      <span aria-hidden="true">
        {mark} {props.isSmall ? "" : figure(before, after)}
      </span>
    </a>
  );
});
