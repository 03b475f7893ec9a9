// npm test

import assert from "node:assert/strict";
import { test } from "node:test";
import { folded, matching } from "../src/fold.ts";
import { duration, percent, target } from "../src/format.ts";
import { layout, ROWS } from "../src/graph.ts";
import { banner, OLD } from "../src/health.ts";
import { heat, zones } from "../src/heat.ts";
import { format, moment, parse } from "../src/route.ts";
import type { Host, Overview, TimelineEvent } from "../src/types.ts";

function picture(state: string, problems: object[] = [], failure: string | null = null) {
  const overview = { health: { state, problems } } as unknown as Overview;
  return { overview, receivedAt: 1000, failure };
}

test("the banner is green only for a fresh picture of a healthy installation", () => {
  assert.equal(banner(picture("ok"), 1500).state, "ok");
  const blind = { severity: "blind", text: "blind", code: "", subject: "", since: null };
  const worse = { ...blind, severity: "failed", text: "worse" };
  const others = [
    banner(picture("blind"), 1500),
    banner(picture("ok", [blind]), 1500),
    banner(picture("ok", [], "the connection failed"), 1500),
    banner(picture("ok"), 1000 + (OLD + 1) * 1000),
    banner({ overview: null, receivedAt: null, failure: null }, 1500),
    banner({ overview: null, receivedAt: null, failure: "no" }, 1500),
  ];
  for (const other of others) assert.notEqual(other.state, "ok");
  assert.equal(banner(picture("failed", [blind, worse]), 1500).text, "worse (and 1 more)");
});

test("what is shown counts as old when the API no longer answers", () => {
  const shown = banner(picture("ok", [], "the connection failed"), 61_000);
  assert.equal(shown.old, true);
  assert.match(shown.text, /What you see is 1 min old/);
  assert.equal(banner(picture("warning"), 1500).old, false);
});

test("an action stands right of all that it waits for, and a long wave continues beside", () => {
  const many = Array.from({ length: ROWS + 1 }, (_, n) => ({ uuid: `a${n}`, parents: [] }));
  const last = { uuid: "z", parents: ["a0", "b", "of another plan"] };
  const places = layout([last, { uuid: "b", parents: ["a1"] }, ...many]);
  assert.deepEqual(places.get("a0"), { x: 0, y: 0 });
  assert.deepEqual(places.get(`a${ROWS}`), { x: 1, y: 0 });
  assert.ok(places.get("b")!.x > 1);
  assert.ok(places.get("z")!.x > places.get("b")!.x);
});

test("a chain of 20,000 actions and a circle have places", () => {
  const chain = Array.from({ length: 20_000 }, (_, n) => ({
    uuid: `${n}`,
    parents: n < 19_999 ? [`${n + 1}`] : [],
  }));
  assert.equal(layout(chain).get("0")!.x, 19_999 * 2);
  const circle = [
    { uuid: "a", parents: ["b"] },
    { uuid: "b", parents: ["a"] },
  ];
  assert.equal(layout(circle).size, 2);
});

function event(position: number, aggregate_id: string): TimelineEvent {
  const rest = { at: "", actor: "applier", type: "plan.launched", summary: "Started." };
  return { position, aggregate_id, ...rest };
}

test("a series of events of one object is one line, a short one is not", () => {
  const events = [9, 8, 7, 6].map((one) => event(one, "plan"));
  const folds = folded([event(10, "audit"), ...events, event(5, "audit"), event(4, "audit")]);
  assert.deepEqual(
    folds.map((fold) => fold.events.length),
    [1, 4, 1, 1],
  );
  assert.equal(matching(events, "STARTED 7").length, 1);
});

test("a place in the view survives being an address", () => {
  const path = ["servers", "a b/ü?#%"];
  const route = parse(format(path, { at: "512", plan: null }));
  assert.deepEqual(route, { path, query: { at: "512" } });
  assert.equal(moment(route), "512");
  assert.equal(moment(parse("")), null);
});

test("hosts are sorted as people count, and full ones are told from overfull ones", () => {
  const hosts = ["b-10", "b-9", "a-1"].map((name) => ({ name, zone: name[0] }) as Host);
  assert.deepEqual(
    zones(hosts).map(([zone, members]) => [zone, members.map((one) => one.name)]),
    [
      ["a", ["a-1"]],
      ["b", ["b-9", "b-10"]],
    ],
  );
  assert.notEqual(heat(1), heat(1.01));
  assert.notEqual(heat(null), heat(0));
});

test("values are texts", () => {
  assert.equal(duration(3725), "1 h 2 min");
  assert.equal(duration(86_400), "1 d");
  assert.equal(duration(0.2), "0 s");
  assert.equal(percent(null), "–");
  const move = { resource_name: "vm-1", source_node: "c1", destination_node: "c2" };
  assert.equal(target(move), "vm-1: c1 → c2");
});
