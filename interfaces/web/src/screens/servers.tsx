import { useMemo, useState } from "preact/hooks";
import { useAnswer } from "../context.ts";
import { number } from "../format.ts";
import { A, Facts, Panel, Shown } from "../parts.tsx";
import { Table } from "../table.tsx";
import type { ModelOfMoment, Server } from "../types.ts";
import { Decisions } from "./decisions.tsx";
import { Age } from "./hosts.tsx";

export function ServersScreen() {
  const [words, setWords] = useState("");
  const answer = useAnswer<{ model: ModelOfMoment; servers: Server[] }>("/v1/servers", {}, "slow");
  const all = answer.data?.servers;
  const shown = useMemo(() => matching(all ?? [], words.toLowerCase()), [all, words]);
  return (
    <Panel title="Servers" aside={<Age of={answer.data?.model} />}>
      <p class="controls">
        <input
          type="search"
          data-filter
          placeholder="Filter: name, uuid, host, project"
          aria-label="Filter servers"
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
        <span class="quiet" aria-live="polite">
          {all && `${number(shown.length)} of ${number(all.length)}`}
        </span>
      </p>
      <Shown answer={answer}>{() => <ServerTable servers={shown} />}</Shown>
    </Panel>
  );
}

function matching(servers: Server[], words: string): Server[] {
  if (words === "") return servers;
  return servers.filter((one) =>
    [one.name, one.uuid, one.host, one.project].some((text) => text?.toLowerCase().includes(words)),
  );
}

export function ServerTable({ servers }: { servers: Server[] }) {
  return (
    <Table
      label="Servers"
      rows={servers}
      id={(one) => one.uuid}
      empty="There are no servers."
      columns={[
        {
          name: "server",
          sort: (one) => one.name,
          cell: (one) => <A to={["servers", one.uuid]}>{one.name || one.uuid}</A>,
        },
        {
          name: "host",
          sort: (one) => one.host ?? "",
          cell: (one) => (one.host ? <A to={["hosts", one.host]}>{one.host}</A> : "none"),
        },
        { name: "state", kind: "wide", sort: (one) => one.state, cell: (one) => one.state },
        {
          name: "vCPUs",
          kind: "number",
          sort: (one) => one.vcpus,
          cell: (one) => number(one.vcpus),
        },
        {
          name: "memory, MB",
          kind: "number",
          sort: (one) => one.memory_mb,
          cell: (one) => number(one.memory_mb),
        },
        {
          name: "disk, GB",
          kind: "number wide",
          sort: (one) => one.disk_gb,
          cell: (one) => number(one.disk_gb),
        },
        { name: "project", kind: "wide text", cell: (one) => one.project },
      ]}
    />
  );
}

export function ServerScreen({ ident }: { ident: string }) {
  const path = `/v1/servers/${encodeURIComponent(ident)}`;
  const answer = useAnswer<Server & { model: ModelOfMoment }>(path);
  return (
    <>
      <Panel title={`Server ${answer.data?.name ?? ident}`} aside={<Age of={answer.data?.model} />}>
        <Shown answer={answer}>
          {(server) => (
            <Facts
              of={[
                ["host", server.host ? <A to={["hosts", server.host]}>{server.host}</A> : "none"],
                ["state", server.state],
                ["vCPUs", number(server.vcpus)],
                ["memory, MB", number(server.memory_mb)],
                ["disk, GB", number(server.disk_gb)],
                ["project", server.project],
                ["locked", server.locked ? "yes" : "no"],
                ["uuid", <code>{server.uuid}</code>],
              ]}
            />
          )}
        </Shown>
      </Panel>
      <Decisions path={`/v1/servers/${encodeURIComponent(answer.data?.uuid ?? ident)}/decisions`} />
    </>
  );
}
