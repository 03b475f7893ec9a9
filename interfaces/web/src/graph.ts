// The places of a plan's actions in its graph.

export interface Node {
  uuid: string;
  parents: string[];
}

export interface Placed {
  /** Columns from the left; a wave of many actions has several, waves are one column apart. */
  x: number;
  /** Rows from the top. */
  y: number;
}

/** Rows of a wave before it continues in another column. */
export const ROWS = 12;

/**
 * The place of each action: right of everything that it waits for. Actions with equally long
 * chains before them are one wave. A parent that is no action of the plan is ignored.
 */
export function layout(nodes: Node[]): Map<string, Placed> {
  const byId = new Map(nodes.map((node) => [node.uuid, node]));
  const waves = new Map<string, number>();
  for (const node of nodes) settle(node, byId, waves);
  const sizes: number[] = [];
  for (const wave of waves.values()) sizes[wave] = (sizes[wave] ?? 0) + 1;
  const starts = [0];
  for (const size of sizes) starts.push(starts[starts.length - 1]! + Math.ceil(size / ROWS) + 1);
  const filled: number[] = [];
  const placed = new Map<string, Placed>();
  for (const node of nodes) {
    const wave = waves.get(node.uuid)!;
    const place = filled[wave] ?? 0;
    filled[wave] = place + 1;
    placed.set(node.uuid, { x: starts[wave]! + Math.floor(place / ROWS), y: place % ROWS });
  }
  return placed;
}

/** Finds the wave of a node and of all before it, without recursion: chains are long. */
function settle(first: Node, byId: Map<string, Node>, waves: Map<string, number>): void {
  const entered = new Set<string>();
  const stack = [first];
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!;
    const open = node.parents
      .filter((parent) => !waves.has(parent) && !entered.has(parent))
      .map((parent) => byId.get(parent))
      .filter((parent) => parent !== undefined);
    if (!entered.has(node.uuid) && open.length > 0) {
      entered.add(node.uuid);
      stack.push(...open);
      continue;
    }
    stack.pop();
    const before = node.parents.map((parent) => waves.get(parent) ?? -1);
    if (!waves.has(node.uuid)) waves.set(node.uuid, Math.max(-1, ...before) + 1);
  }
}
