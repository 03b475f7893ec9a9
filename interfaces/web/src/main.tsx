import { render, type ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useAnswer, useView, ViewContext, type View } from "./context.ts";
import { Live, type Present } from "./live.ts";
import { Shown } from "./parts.tsx";
import { moment, parse, type Route } from "./route.ts";
import { AuditScreen, AuditsScreen } from "./screens/audits.tsx";
import { EventsScreen } from "./screens/events.tsx";
import { HostScreen } from "./screens/host.tsx";
import { HostsScreen } from "./screens/hosts.tsx";
import { OverviewScreen } from "./screens/overview.tsx";
import { PlanScreen } from "./screens/plan.tsx";
import { PlansScreen } from "./screens/plans.tsx";
import { SearchScreen } from "./screens/search.tsx";
import { ServerScreen, ServersScreen } from "./screens/servers.tsx";
import { Shell } from "./shell.tsx";
import { chooseTheme } from "./theme.ts";
import type { Overview } from "./types.ts";

function Screen({ path }: { path: string[] }) {
  const [kind, ident, , action] = path;
  switch (kind) {
    case undefined:
      return <OverviewScreen />;
    case "audits":
      return ident ? <AuditScreen uuid={ident} /> : <AuditsScreen />;
    case "plans":
      return ident ? <PlanScreen key={ident} uuid={ident} action={action} /> : <PlansScreen />;
    case "hosts":
      return ident ? <HostScreen name={ident} /> : <HostsScreen />;
    case "servers":
      return ident ? <ServerScreen ident={ident} /> : <ServersScreen />;
    case "events":
      return <EventsScreen />;
    case "search":
      return <SearchScreen text={ident ?? ""} />;
    default:
      return <p>There is no such page.</p>;
  }
}

function App({ live }: { live: Live }) {
  const [present, setPresent] = useState<Present>(live.present);
  const [route, setRoute] = useState<Route>(parse(location.hash));
  useEffect(() => {
    const moved = () => setRoute(parse(location.hash));
    window.addEventListener("hashchange", moved);
    live.listen(setPresent);
    live.start();
    return () => window.removeEventListener("hashchange", moved);
  }, []);
  const at = moment(route);
  const view: View = { route, at, present, overview: present.overview };
  return (
    <ViewContext.Provider value={view}>
      <Shell onToken={() => live.wake()}>
        <ThenOrNow>
          <Screen path={route.path} />
        </ThenOrNow>
      </Shell>
    </ViewContext.Provider>
  );
}

/** Gives the screens the overview of the moment that they show. */
function ThenOrNow({ children }: { children: ComponentChildren }) {
  const view = useView();
  const then = useAnswer<Overview>(view.at === null ? null : "/v1/overview");
  if (view.at === null) return <>{children}</>;
  if (then.error !== null) return <Shown answer={then}>{() => null}</Shown>;
  const shown = { ...view, overview: then.data };
  return <ViewContext.Provider value={shown}>{children}</ViewContext.Provider>;
}

chooseTheme();
render(<App live={new Live()} />, document.getElementById("app")!);
