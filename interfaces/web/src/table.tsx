// A table of any length: only the rows in sight are elements.

import type { ComponentChildren, JSX } from "preact";
import { memo } from "preact/compat";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Column<T> {
  name: string;
  cell: (row: T) => ComponentChildren;
  /** What the column is sorted by; without it, it is not sortable. */
  sort?: (row: T) => string | number;
  /** "wide": hidden on narrow screens. "number": aligned to the right. "text": takes the rest. */
  kind?: string;
}

interface Order {
  column: number;
  isDescending: boolean;
}

const ROW = 34;
/** Height of a row of a long table, pixels (style.css has the same). */
const SPARE = 16;
/** Rows above and below those in sight. */
const LONG = 100;

export function Table<T>(props: {
  label: string;
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
  empty: string;
}) {
  const { columns } = props;
  const [order, setOrder] = useState<Order | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const isLong = props.rows.length > LONG;
  const [from, to] = useWindow(box, isLong, props.rows.length);
  if (props.rows.length === 0) return <p class="quiet">{props.empty}</p>;
  const rows = sorted(props.rows, columns, order);
  return (
    <div class={isLong ? "table long" : "table"} ref={box} tabIndex={isLong ? 0 : -1}>
      <table aria-label={props.label} aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map((column, index) => (
              <Heading column={column} index={index} order={order} onOrder={setOrder} />
            ))}
          </tr>
        </thead>
        <tbody>
          {from > 0 && <tr style={{ height: `${from * ROW}px` }} aria-hidden="true" />}
          {rows.slice(from, to).map((row, index) => (
            <Row key={props.id(row)} row={row} columns={columns} index={from + index + 2} />
          ))}
          {to < rows.length && (
            <tr style={{ height: `${(rows.length - to) * ROW}px` }} aria-hidden="true" />
          )}
        </tbody>
      </table>
    </div>
  );
}

/** One row; drawn again only if it or the columns are others, not when the table is scrolled. */
const Row = memo(function Row<T>(props: { row: T; columns: Column<T>[]; index: number }) {
  return (
    <tr aria-rowindex={props.index}>
      {props.columns.map((column) => (
        <td class={column.kind}>{column.cell(props.row)}</td>
      ))}
    </tr>
  );
}) as <T>(props: { key: string; row: T; columns: Column<T>[]; index: number }) => JSX.Element;

function Heading<T>(props: {
  column: Column<T>;
  index: number;
  order: Order | null;
  onOrder: (order: Order) => void;
}) {
  const { column, index, order } = props;
  if (column.sort === undefined) return <th class={column.kind}>{column.name}</th>;
  const isOurs = order?.column === index;
  const next = isOurs && !order.isDescending;
  const direction = order?.isDescending ? "descending" : "ascending";
  return (
    <th class={column.kind} aria-sort={isOurs ? direction : "none"}>
      <button type="button" onClick={() => props.onOrder({ column: index, isDescending: next })}>
        {column.name}
        <span aria-hidden="true">{isOurs ? (order.isDescending ? " ▾" : " ▴") : ""}</span>
      </button>
    </th>
  );
}

function sorted<T>(rows: T[], columns: Column<T>[], order: Order | null): T[] {
  const key = order === null ? undefined : columns[order.column]?.sort;
  if (order === null || key === undefined) return rows;
  const way = order.isDescending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [a, b] = [key(one), key(other)];
    return a < b ? -way : a > b ? way : 0;
  });
}

/** First row to draw, and the one after the last. */
function useWindow(
  box: { current: HTMLDivElement | null },
  isLong: boolean,
  count: number,
): [number, number] {
  const [[top, height], setPlace] = useState<[number, number]>([0, 800]);
  useLayoutEffect(() => {
    const element = box.current;
    if (!isLong || element === null) return;
    const block = (SPARE / 2) * ROW; // drawn again only when a block has gone by
    const look = () => {
      const [top, height] = [element.scrollTop, element.clientHeight];
      const next: [number, number] = [Math.floor(top / block) * block, height + block];
      setPlace((old) => (old[0] === next[0] && old[1] === next[1] ? old : next));
    };
    look();
    element.addEventListener("scroll", look, { passive: true });
    const watch = new ResizeObserver(look);
    watch.observe(element);
    return () => {
      element.removeEventListener("scroll", look);
      watch.disconnect();
    };
  }, [isLong]);
  if (!isLong) return [0, count];
  const last = Math.ceil((top + height) / ROW) + SPARE;
  // at least one screen even if rows have gone since the last look
  const first = Math.min(Math.floor(top / ROW) - SPARE, count - 1);
  return [Math.max(0, first), Math.min(count, last)];
}
