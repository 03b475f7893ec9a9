// The colours of the heat map.

import type { Host, Resource, Usage } from "./types.ts";

export type Measure = Resource | "cpu_percent";

export const MEASURES: Record<Measure, string> = {
  vcpus: "vCPUs allocated",
  memory_mb: "memory allocated",
  disk_gb: "disk allocated",
  cpu_percent: "CPU measured",
};

/** Number of colours; style.css has as many --heat-N. */
export const STEPS = 7;

/** The used share of a host, 0 to 1 and above; null = unknown. */
export function share(host: Host, measure: Measure): number | null {
  if (measure !== "cpu_percent") return ratio(host[measure]);
  return host.cpu_percent === null ? null : host.cpu_percent / 100;
}

/** The share when the plan has ended; null = unknown, as for what is measured. */
export function shareAfter(host: Host, measure: Measure): number | null {
  return measure === "cpu_percent" || host.after === null ? null : ratio(host.after[measure]);
}

function ratio(usage: Usage): number | null {
  return usage.ratio ?? (usage.total > 0 ? usage.used / usage.total : null);
}

/** The colour of a share: equal steps up to 1, one more above. */
export function heat(value: number | null): string {
  if (value === null) return "var(--heat-none)";
  const step = value > 1 ? STEPS - 1 : Math.min(STEPS - 2, Math.floor(value * (STEPS - 1)));
  return `var(--heat-${Math.max(0, step)})`;
}

/** Hosts by zone, zones and hosts in order of their names, numbers as numbers. */
export function zones(hosts: Host[]): [string, Host[]][] {
  const order = new Intl.Collator("en", { numeric: true });
  const found = new Map<string, Host[]>();
  for (const host of hosts.toSorted((one, other) => order.compare(one.name, other.name))) {
    const members = found.get(host.zone);
    if (members === undefined) found.set(host.zone, [host]);
    else members.push(host);
  }
  return [...found].toSorted(([one], [other]) => order.compare(one, other));
}
