import { useAnswer, useView } from "../context.ts";
import { number, percent } from "../format.ts";
import { share } from "../heat.ts";
import { Facts, Panel, Shown, State } from "../parts.tsx";
import type { Host, ModelOfMoment, Resource, Server } from "../types.ts";
import { Decisions } from "./decisions.tsx";
import { Age } from "./hosts.tsx";
import { ServerTable } from "./servers.tsx";

interface OneHost extends Host {
  model: ModelOfMoment;
  server_list: Server[];
}

export function HostScreen({ name }: { name: string }) {
  const plan = useView().route.query["plan"] ?? null;
  const path = `/v1/hosts/${encodeURIComponent(name)}`;
  const answer = useAnswer<OneHost>(path, { plan });
  return (
    <>
      <Panel title={`Host ${name}`} aside={<Age of={answer.data?.model} />}>
        <Shown answer={answer}>{(host) => <HostFacts of={host} />}</Shown>
      </Panel>
      <Decisions path={`${path}/decisions`} />
      {answer.data && (
        <Panel title="Its servers">
          <ServerTable servers={answer.data.server_list} />
        </Panel>
      )}
    </>
  );
}

function HostFacts({ of }: { of: Host }) {
  const used = (kind: Resource): string => {
    const shown = (value: number): string =>
      `${number(value)} (${percent(share(value, of[kind]))})`;
    const limit = of[kind].capacity === null ? "no limit" : number(of[kind].capacity);
    const then = of.after ? `, after the plan ${shown(of.after[kind])}` : "";
    return `${shown(of[kind].used)} of ${limit}${then}`;
  };
  return (
    <Facts
      of={[
        [
          "state",
          <>
            <State of={of.state} /> <State of={of.status} /> {of.disabled_reason}
          </>,
        ],
        ["zone", of.zone],
        ["servers", of.after ? `${of.servers}, after the plan ${of.after.servers}` : of.servers],
        ["vCPUs", used("vcpus")],
        ["memory, MB", used("memory_mb")],
        ["disk, GB", used("disk_gb")],
        ["uuid", <code>{of.uuid}</code>],
      ]}
    />
  );
}
