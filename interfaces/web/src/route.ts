// The place in the view is the fragment of the address: #/plans/UUID?at=512

export interface Route {
  /** Parts of the path: ["plans", "UUID"]; [] is the overview. */
  path: string[];
  query: Record<string, string>;
}

export function parse(fragment: string): Route {
  const [path = "", query = ""] = fragment.replace(/^#/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { path: parts, query: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function format(path: string[], query: Record<string, string | null> = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]);
  const search = new URLSearchParams(given).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${search && `?${search}`}`;
}

/** The log position or time that the view shows, null = now. */
export function moment(route: Route): string | null {
  return route.query["at"] || null;
}
