import { useAnswer, useView } from "../context.ts";
import { short } from "../format.ts";
import { A, Panel, State } from "../parts.tsx";
import type { Host, Server } from "../types.ts";

const MOST = 30;

/** Whatever has the text in its name, or begins its uuid with it. */
export function SearchScreen({ text }: { text: string }) {
  const { overview } = useView();
  const wanted = text.toLowerCase();
  const hosts = useAnswer<{ hosts: Host[] }>("/v1/hosts", {}, "slow");
  const servers = useAnswer<{ servers: Server[] }>("/v1/servers", {}, "slow");
  const fits = (one: { name?: string; uuid: string }): boolean =>
    (one.name ?? "").toLowerCase().includes(wanted) || one.uuid.startsWith(wanted);
  const found: [string, string, string][] = [
    ...(overview?.plans ?? []).filter(fits).map(
      (one): [string, string, string] => ["plans", one.uuid, `plan ${short(one.uuid)}`],
    ),
    ...(overview?.audits ?? []).filter(fits).map(
      (one): [string, string, string] => ["audits", one.uuid, `audit ${one.name}`],
    ),
    ...(hosts.data?.hosts ?? []).filter(fits).map(
      (one): [string, string, string] => ["hosts", one.name, `host ${one.name}`],
    ),
    ...(servers.data?.servers ?? []).filter(fits).map(
      (one): [string, string, string] => ["servers", one.uuid, `server ${one.name}`],
    ),
  ];
  const failure = hosts.error ?? servers.error;
  return (
    <Panel title={`Found for “${text}”: ${found.length}`}>
      <ul class="plain">
        {found.slice(0, MOST).map(([kind, id, name]) => (
          <li key={kind + id}>
            <A to={[kind, id]}>{name}</A>
          </li>
        ))}
      </ul>
      {found.length > MOST && <p class="quiet">and {found.length - MOST} more</p>}
      {failure !== null && (
        <p class="error" role="alert">
          <State of="warning" /> Hosts and servers were not all searched: {failure}
        </p>
      )}
    </Panel>
  );
}
