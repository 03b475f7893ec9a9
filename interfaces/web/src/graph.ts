// The places of a plan's actions in its graph.

export interface Node {
  uuid: string;
  parents: string[];
}

export interface Placed {
  column: number;
  row: number;
}

/**
 * A column and a row for each action: an action stands right of everything that it waits for.
 * A parent that is no action of the plan is ignored. A circle, which no plan has, ends in the
 * column where it was entered.
 */
export function layout(nodes: Node[]): Map<string, Placed> {
  const byId = new Map(nodes.map((node) => [node.uuid, node]));
  const columns = new Map<string, number>();
  for (const node of nodes) settle(node, byId, columns);
  const heights: number[] = [];
  const placed = new Map<string, Placed>();
  for (const node of nodes) {
    const column = columns.get(node.uuid)!;
    const row = heights[column] ?? 0;
    heights[column] = row + 1;
    placed.set(node.uuid, { column, row });
  }
  return placed;
}

/** Finds the column of a node and of all before it, without recursion: chains are long. */
function settle(first: Node, byId: Map<string, Node>, columns: Map<string, number>): void {
  const entered = new Set<string>();
  const stack = [first];
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!;
    const open = node.parents
      .filter((parent) => !columns.has(parent) && !entered.has(parent))
      .map((parent) => byId.get(parent))
      .filter((parent) => parent !== undefined);
    if (!entered.has(node.uuid) && open.length > 0) {
      entered.add(node.uuid);
      stack.push(...open);
      continue;
    }
    stack.pop();
    const before = node.parents.map((parent) => columns.get(parent) ?? -1);
    if (!columns.has(node.uuid)) columns.set(node.uuid, Math.max(-1, ...before) + 1);
  }
}
