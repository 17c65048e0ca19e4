// Structure rules that no linter knows: import directions, import cycles, file sizes, where the native boundary may be
// crossed, and that the manifest's entry points exist. An exception to a limit is listed here with its reason, nowhere else.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** Which folder of lib/ may import which others (its own files and errors.ts always). */
const MAY_IMPORT = {
  ".": ["engine", "package", "chat", "tokenizer", "ffi"],
  ffi: [],
  isolation: ["ffi"],
  package: [],
  tokenizer: [],
  chat: [],
  engine: ["ffi", "isolation", "package", "tokenizer", "chat"],
  compiler: ["ffi", "package", "tokenizer"],
  server: ["engine", "package", "chat"],
  electron: ["engine", "isolation", "chat"],
  "web-llm": ["engine", "chat", "package"],
  providers: ["engine", "chat"],
  testing: ["engine", "ffi", "package", "tokenizer", "chat"],
  cli: ["server", "engine", "compiler", "package", "ffi", "tokenizer", "chat"],
};

/** Files anyone may import. */
const LEAVES = ["lib/cache-folder.ts", "lib/errors.ts", "lib/package-root.ts"];

/** The order of the rooms inside lib/compiler: an import may go back to an earlier room, never forward. */
const COMPILER_ORDER = [
  "models",
  "importer",
  "quantization",
  "ir",
  "kernels",
  "nn",
  "passes",
  "codegen",
  "tuning",
  ".",
];

const LINE_LIMITS = { ".ts": 400, ".cc": 450, ".h": 450, ".mjs": 400, ".test.ts": 600 };

/** Files over a limit, with the reason. */
const LONG_FILES = {
  "lib/ffi/global-functions.ts": "generated from TVM's reflection metadata",
};

const problems = [];
const problem = (file, text) => problems.push(`${file}: ${text}`);

const list = (folder, pattern) =>
  existsSync(path.join(root, folder))
    ? readdirSync(path.join(root, folder), { recursive: true })
        .filter((file) => pattern.test(file) && !file.includes("node_modules"))
        .map((file) => path.posix.join(folder, file.split(path.sep).join("/")))
    : [];
const read = (file) => readFileSync(path.join(root, file), "utf8");

/** Relative imports of a TypeScript file as repository paths; type-only imports are marked. */
function importsOf(file) {
  const found = [];
  const pattern = /(?:import|export)\s+(type\s+)?(?:[^'";]*?\s+from\s+)?["'](\.{1,2}\/[^"']+)["']/g;
  for (const [, typeOnly, specifier] of read(file).matchAll(pattern)) {
    const target = path.posix.join(path.posix.dirname(file), specifier.replace(/\.js$/, ".ts"));
    found.push({ target, typeOnly: typeOnly !== undefined });
  }
  return found;
}

const room = (file) => (file.split("/").length > 2 ? file.split("/")[1] : ".");
const compilerRoom = (file) => (file.split("/").length > 3 ? file.split("/")[2] : ".");

function checkDirections(file) {
  for (const { target } of importsOf(file)) {
    if (!target.startsWith("lib/")) {
      problem(file, `imports ${target} outside lib/`);
      continue;
    }
    if (LEAVES.includes(target)) continue;
    const [from, to] = [room(file), room(target)];
    if (from !== to && !MAY_IMPORT[from]?.includes(to))
      problem(file, `lib/${from} must not import lib/${to} (${target})`);
    if (from === "compiler" && to === "compiler") {
      const [inner, outer] = [compilerRoom(file), compilerRoom(target)].map((name) =>
        COMPILER_ORDER.indexOf(name),
      );
      if (inner < 0) problem(file, `lib/compiler/${compilerRoom(file)} has no place in COMPILER_ORDER`);
      else if (inner < outer && !target.endsWith("/compile-options.ts"))
        problem(
          file,
          `compiler/${compilerRoom(file)} must not import the later compiler/${compilerRoom(target)}`,
        );
    }
  }
}

/** Cycles over value imports, by depth-first search. */
function checkCycles(files) {
  const state = new Map();
  const visit = (file, trail) => {
    if (state.get(file) === "done" || !existsSync(path.join(root, file))) return;
    if (state.get(file) === "open") {
      problem(file, `import cycle: ${[...trail.slice(trail.indexOf(file)), file].join(" -> ")}`);
      return;
    }
    state.set(file, "open");
    for (const { target, typeOnly } of importsOf(file)) if (!typeOnly) visit(target, [...trail, file]);
    state.set(file, "done");
  };
  for (const file of files) visit(file, []);
}

function checkLength(file) {
  const suffix = Object.keys(LINE_LIMITS)
    .filter((end) => file.endsWith(end))
    .sort((a, b) => b.length - a.length)[0];
  const lines = read(file).split("\n").length - 1;
  if (suffix && lines > LINE_LIMITS[suffix] && !(file in LONG_FILES))
    problem(file, `${lines} lines, at most ${LINE_LIMITS[suffix]}`);
}

function checkText(file) {
  const text = read(file);
  if (/@ts-(ignore|nocheck)|biome-ignore-all/.test(text)) problem(file, "switches a checker off");
  if (/\b(TODO|FIXME|XXX)\b/.test(text)) problem(file, "unfinished place (TODO, FIXME or XXX)");
  if (/\.(only|skip)\(/.test(text) && file.startsWith("test/")) problem(file, "a focused or skipped test");
}

const library = list("lib", /\.ts$/);
const tests = list("test", /\.ts$/);
const native = [...list("cpp", /\.(cc|h)$/), ...list("test/cpp", /\.(cc|h)$/)];
const scripts = [...list("scripts", /\.(mjs|ts)$/), ...list("bench", /\.(mjs|ts)$/)];

library.forEach(checkDirections);
checkCycles(library);
[...library, ...tests, ...native, ...scripts].forEach(checkLength);
[...library, ...tests, ...native].forEach(checkText);
for (const file of native)
  if (/#include <(napi|node_api)\.h>/.test(read(file)) && !/^cpp\/(node\/|addon\.cc|stub\.cc)/.test(file))
    problem(file, "Node's headers belong to cpp/node only");
for (const file of library)
  if (/node-gyp-build/.test(read(file)) && file !== "lib/ffi/native.ts")
    problem(file, "the addon is loaded in lib/ffi/native.ts only");

if (problems.length > 0) console.error(problems.join("\n"));
console.log(
  `structure: ${library.length} library, ${tests.length} test, ${native.length} C++ files, ${problems.length} problems`,
);
process.exit(problems.length > 0 ? 1 : 0);
