import { useAnswer, useView } from "../context.ts";
import { number, percent } from "../format.ts";
import { Facts, Panel, Shown, State } from "../parts.tsx";
import type { Host, ModelOfMoment, Server, Usage } from "../types.ts";
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
  const used = (now: Usage, then?: Usage): string => {
    const share = `${number(now.used)} of ${number(now.total)} (${percent(now.ratio)})`;
    return then ? `${share}, after the plan ${number(then.used)} (${percent(then.ratio)})` : share;
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
        ["vCPUs", used(of.vcpus, of.after?.vcpus)],
        ["memory, MB", used(of.memory_mb, of.after?.memory_mb)],
        ["disk, GB", used(of.disk_gb, of.after?.disk_gb)],
        ["measured CPU", of.cpu_percent === null ? "not measured" : percent(of.cpu_percent / 100)],
        ["uuid", <code>{of.uuid}</code>],
      ]}
    />
  );
}
