// Arrow keys in a grid of elements that have data-cell.

const STEPS: Record<string, [number, number]> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

interface Placed extends Element {
  focus(): void;
  dataset: DOMStringMap;
}

/** Moves the focus from an element to its neighbour in the direction of the key. */
export function arrow(event: KeyboardEvent): void {
  const step = STEPS[event.key];
  const from = event.currentTarget as Placed | null;
  if (step === undefined || from === null || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const next = neighbour(from, step);
  if (next === null) return;
  from.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function neighbour(from: Placed, [down, right]: [number, number]): Placed | null {
  const grid = from.closest("[role=group]");
  const box = from.getBoundingClientRect();
  const here = [box.left + box.width / 2, box.top + box.height / 2] as const;
  let nearest: Placed | null = null;
  let least = Infinity;
  for (const one of grid?.querySelectorAll<HTMLElement>("[data-cell]") ?? []) {
    const other = one.getBoundingClientRect();
    const x = other.left + other.width / 2 - here[0];
    const y = other.top + other.height / 2 - here[1];
    const along = x * right + y * down;
    const aside = Math.abs(x * down) + Math.abs(y * right);
    // what lies ahead, nearest along the way; what lies aside counts much more
    const distance = along + aside * 8;
    if (along > 1 && aside <= along + 30 && distance < least) [nearest, least] = [one, distance];
  }
  return nearest;
}
