// Values as text.

const NUMBERS = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 2 });

const UNITS: [number, string][] = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

/** Seconds as its two largest units: "2 h 5 min". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "never";
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [size, unit] of UNITS) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count > 0) parts.push(`${count} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 s";
}

/** A time of the API in the zone of the browser; with the date unless it is today's. */
export function time(text: string | null | undefined, now = new Date()): string {
  if (!text) return "never";
  const at = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  const clock = at.toLocaleTimeString("en-GB");
  return at.toDateString() === now.toDateString()
    ? clock
    : `${at.toLocaleDateString("en-CA")} ${clock}`;
}

export function percent(ratio: number | null | undefined): string {
  return ratio === null || ratio === undefined ? "–" : `${Math.round(ratio * 100)} %`;
}

export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return NUMBERS.format(value);
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${(value / 1000 ** step).toFixed(step > 1 ? 1 : 0)} ${units[step]}`;
}

/** The first characters of a uuid, enough to tell objects of one installation apart. */
export function short(uuid: string | null | undefined): string {
  return uuid ? uuid.slice(0, 8) : "–";
}

export function plural(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A gain as a sentence: "released compute nodes 40 %". */
export function gain(of: { name: string; value: unknown; unit: string | null }): string {
  const unit = of.unit ? ` ${of.unit}` : "";
  const value = typeof of.value === "number" ? number(of.value) : String(of.value ?? "–");
  return `${of.name.replaceAll("_", " ")} ${value}${unit}`;
}

/** What an action works on: "vm-1: compute-3 → compute-5". */
export function target(parameters: Record<string, unknown>): string {
  const text = (...names: string[]): string => {
    for (const name of names) {
      if (typeof parameters[name] === "string") return parameters[name];
    }
    return "";
  };
  const subject = text("resource_name", "resource_id");
  const from = text("source_node", "source_pool");
  const to = text("destination_node", "destination_pool", "destination_type", "state", "flavor");
  return [subject, from && to ? `${from} → ${to}` : to || from].filter(Boolean).join(": ");
}
