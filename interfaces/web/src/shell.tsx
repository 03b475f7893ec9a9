// What surrounds every screen: navigation, health, the moment that is shown, keys.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { hasToken, setToken } from "./api.ts";
import { useLink, useView } from "./context.ts";
import { banner } from "./health.ts";
import { Moments } from "./moments.tsx";
import { nextTheme, theme } from "./theme.ts";

const PLACES: [string, string[]][] = [
  ["Overview", []],
  ["Audits", ["audits"]],
  ["Plans", ["plans"]],
  ["Hosts", ["hosts"]],
  ["Servers", ["servers"]],
  ["Events", ["events"]],
];

export function Shell(props: { children: ComponentChildren; onToken: () => void }) {
  const { present } = useView();
  const help = useRef<HTMLDialogElement>(null);
  useKeys(() => help.current?.showModal());
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <header class="top">
        <Navigation />
        <Health />
        <Moments />
      </header>
      <main id="main" tabIndex={-1}>
        {present.needsToken ? <TokenForm onToken={props.onToken} /> : props.children}
      </main>
      <footer class="quiet">
        {present.isStreaming ? "Live: events arrive at once." : "Polling: no stream of events."}{" "}
        Keys: <kbd>?</kbd>
      </footer>
      <Help dialog={help} />
    </>
  );
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Navigation() {
  const { route } = useView();
  const link = useLink();
  const [chosen, choose] = useState(theme());
  return (
    <nav aria-label="Screens">
      <strong>Vigil</strong>
      {PLACES.map(([name, path]) => (
        <a href={link(path)} aria-current={route.path[0] === path[0] ? "page" : undefined}>
          {name}
        </a>
      ))}
      <Search />
      <button type="button" data-theme-switch onClick={() => choose(nextTheme())}>
        {chosen === "dark" ? "☾" : chosen === "light" ? "☀" : "◐"}
        <span class="hidden">Colours: {chosen}</span>
      </button>
    </nav>
  );
}

function Search() {
  const link = useLink();
  const [text, setText] = useState("");
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) location.hash = link(["search", text.trim()]);
      }}
    >
      <input
        type="search"
        data-search
        placeholder="Find a server, host, plan ( / )"
        aria-label="Find a server, host, plan or audit"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </form>
  );
}

const MARKS = { ok: "✓", warning: "!", blind: "?", failed: "✗", unknown: "…" };

function Health() {
  const { present } = useView();
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, []);
  const shown = banner(present, Math.max(now, present.receivedAt ?? 0));
  useEffect(() => {
    document.documentElement.classList.toggle("old", shown.old);
  }, [shown.old]);
  return (
    <p class={`health ${shown.state}`} role="status" data-health={shown.state}>
      <span aria-hidden="true">{MARKS[shown.state]}</span> {shown.text}
    </p>
  );
}

function TokenForm({ onToken }: { onToken: () => void }) {
  const [token, change] = useState("");
  return (
    <form
      class="panel token"
      onSubmit={(event) => {
        event.preventDefault();
        setToken(token.trim());
        onToken();
      }}
    >
      <h2>The API asks for a token</h2>
      {hasToken() && <p class="error">It does not accept the last one, which may have expired.</p>}
      <p>
        <label>
          Keystone token (<code>openstack token issue -f value -c id</code>){" "}
          <input
            type="password"
            autocomplete="off"
            required
            value={token}
            onInput={(event) => change(event.currentTarget.value)}
          />
        </label>{" "}
        <button type="submit">Use it</button>
      </p>
      <p class="quiet">It is kept until this tab is closed, and sent to this API only.</p>
    </form>
  );
}

const KEYS: [string, string][] = [
  ["/", "find a server, host, plan or audit"],
  ["f", "filter what is shown"],
  ["1 … 6", "overview, audits, plans, hosts, servers, events"],
  ["[ and ]", "one event back, one forward"],
  ["n", "now"],
  ["t", "light, dark, or as the system"],
  ["arrows", "to the next host on the map, to the next action of a graph; Enter opens"],
  ["?", "this help; Escape closes it"],
];

function Help({ dialog }: { dialog: { current: HTMLDialogElement | null } }) {
  return (
    <dialog ref={dialog} aria-label="Keys">
      <h2>Keys</h2>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button>Close</button>
      </form>
    </dialog>
  );
}

function useKeys(openHelp: () => void): void {
  const link = useLink();
  useEffect(() => {
    const click = (selector: string) => document.querySelector<HTMLElement>(selector)?.click();
    const focus = (selector: string) => document.querySelector<HTMLElement>(selector)?.focus();
    const pressed = (event: KeyboardEvent) => {
      const where = event.target as HTMLElement;
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (where.matches("input, select, textarea, dialog *")) {
        if (event.key === "Escape") where.blur();
        return;
      }
      const place = PLACES[Number(event.key) - 1];
      if (place !== undefined) location.hash = link(place[1]);
      else if (event.key === "/") focus("[data-search]");
      else if (event.key === "f") focus("[data-filter]");
      else if (event.key === "?") openHelp();
      else if (event.key === "[") click("[data-back]");
      else if (event.key === "]") click("[data-forward]");
      else if (event.key === "n") click("[data-now]");
      else if (event.key === "t") click("[data-theme-switch]");
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
}
