// Writes the files that the API serves to a directory: node build.mjs DIRECTORY
import { cp } from "node:fs/promises";
import { build } from "esbuild";

const target = process.argv[2];
await build({
  entryPoints: { app: "src/main.tsx", style: "src/style.css" },
  outdir: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome123", "firefox121", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "inline",
});
for (const name of ["index.html", "icon.svg"]) await cp(`src/${name}`, `${target}/${name}`);
