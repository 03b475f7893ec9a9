// Light or dark: as the system, or as the user chose.

const KEY = "vigil-theme";
const THEMES = ["system", "light", "dark"];

export function theme(): string {
  return localStorage.getItem(KEY) ?? "system";
}

/** Shows the chosen theme. */
export function chooseTheme(chosen = theme()): void {
  localStorage.setItem(KEY, chosen);
  document.documentElement.dataset["theme"] = chosen;
}

export function nextTheme(): string {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]!;
  chooseTheme(next);
  return next;
}
