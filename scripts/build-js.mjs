// Builds lib/ into dist/esm and dist/cjs (esbuild, file by file, no bundling) and their type declarations (tsc).
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, "dist");
const tsc = path.join(
  path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin/tsc",
);

/** The command line and the compile child process are programs, not importable modules: ESM only. */
const esmOnly = (file) => file.startsWith(`cli${path.sep}`);

/** The chat page runs in browsers: one bundle, and the files beside it. */
const page = path.join(root, "lib", "server", "page");
const inPage = (file) => file.startsWith(path.join("server", "page", path.sep));

const sources = readdirSync(path.join(root, "lib"), { recursive: true }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".d.ts") && !inPage(file),
);
const entries = (files) => files.map((file) => path.join(root, "lib", file));
const common = {
  outbase: path.join(root, "lib"),
  platform: "node",
  target: "node20",
  sourcemap: true,
  logLevel: "warning",
};

rmSync(dist, { recursive: true, force: true });
await build({ ...common, entryPoints: entries(sources), outdir: path.join(dist, "esm"), format: "esm" });
await build({
  ...common,
  entryPoints: entries(sources.filter((file) => !esmOnly(file))),
  outdir: path.join(dist, "cjs"),
  format: "cjs",
  // CommonJS has no import.meta: every file gets the equivalent of its own URL.
  define: { "import.meta.url": "__importMetaUrl" },
  banner: { js: 'const __importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
});
const pageOut = path.join(dist, "esm", "server", "page");
await build({
  entryPoints: [path.join(page, "chat.ts")],
  outfile: path.join(pageOut, "chat.js"),
  bundle: true,
  minify: true,
  legalComments: "inline",
  platform: "browser",
  format: "esm",
  target: "es2022",
  logLevel: "warning",
});
for (const file of ["index.html", "chat.css"]) cpSync(path.join(page, file), path.join(pageOut, file));
execFileSync(process.execPath, [tsc, "-p", path.join(root, "tsconfig.build.json")], { stdio: "inherit" });
cpSync(path.join(dist, "esm"), path.join(dist, "cjs"), {
  recursive: true,
  filter: (file) => !/\.(js|js\.map)$/.test(file) && file !== pageOut,
});
writeFileSync(path.join(dist, "cjs", "package.json"), '{ "type": "commonjs" }\n');
