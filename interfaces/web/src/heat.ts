// The colours of the heat map.

import type { Amount, Host, Resource } from "./types.ts";

export const MEASURES: Record<Resource, string> = {
  vcpus: "vCPUs allocated",
  memory_mb: "memory allocated",
  disk_gb: "disk allocated",
};

/** Number of colours; style.css has as many --heat-N. */
export const STEPS = 7;

/** The share of what can be allocated, 0 to 1 and above; null = there is no limit. */
export function share(used: number, of: Amount): number | null {
  return of.capacity ? used / of.capacity : null;
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
