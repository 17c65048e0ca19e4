// Writes lib/ffi/global-functions.ts: TypeScript signatures of the TVM functions that lib/ and test/ name, from TVM's own
// reflection metadata, with a hash of that metadata which is verified when the libraries are loaded.
//
//   npx tsx scripts/generate-ffi-signatures.ts            # needs the built addon and the compiler library
//   npx tsx scripts/generate-ffi-signatures.ts --check    # fails when the committed file is out of date
//
// A function is "in use" when its exact name occurs as a string literal in lib/, or in a call() of test/. The script loads lib/ffi/native.ts only, so it
// works while the rest of the tree does not type check, and with a TVM that the committed hash refuses.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { compilerLibraryPath } from "../lib/ffi/compiler-library-path.js";
import { native } from "../lib/ffi/native.js";
import { type Schema, SignatureWriter } from "./ffi-signature-writer.js";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const target = path.join(root, "lib/ffi/global-functions.ts");

function callGlobal(name: string, ...args: (string | number)[]): unknown {
  const fn = native.bindGlobalFunction(name);
  if (fn === undefined) throw new Error(`TVM has no function ${name}`);
  return fn(...args);
}

/** The text of every TypeScript source below `folder`, but not of the generated file. */
function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .map((file) => path.join(root, folder, file))
    .filter((file) => file.endsWith(".ts") && file !== target)
    .map((file) => readFileSync(file, "utf8"));
}

/** Every string literal of lib/ that could be a function's name, and every name that test/ gives to call(). */
function namesInSources(): Set<string> {
  const names = new Set<string>();
  for (const text of sources("lib")) {
    for (const [, name] of text.matchAll(/["'`]([A-Za-z_][\w.]*)["'`]/g))
      if (name !== undefined) names.add(name);
  }
  for (const name of [...calledNames("test")]) names.add(name);
  return names;
}

function calledNames(folder: string): Set<string> {
  const names = new Set<string>();
  for (const text of sources(folder)) {
    for (const [, name] of text.matchAll(/\bcall\(\s*"([\w.]+)"\s*[,)]/g))
      if (name !== undefined) names.add(name);
  }
  return names;
}

function metadata(name: string): string {
  return String(callGlobal("ffi.GetGlobalFuncMetadata", name));
}

function schemaOf(name: string): Schema | undefined {
  const text = metadata(name);
  if (text === "") return undefined;
  const parsed: unknown = JSON.parse(text);
  const schema = (parsed as { type_schema?: string | Schema }).type_schema;
  return typeof schema === "string" ? (JSON.parse(schema) as Schema) : schema;
}

/** Must stay equal to hashSignatures() of lib/ffi/signature-check.ts, which cannot be imported: it needs the output. */
function hash(names: readonly string[]): string {
  const sum = createHash("sha256");
  for (const name of names) sum.update(`${name}\n${metadata(name)}\n`);
  return sum.digest("hex");
}

function tvmVersion(): string {
  const folder = path.dirname(path.dirname(path.dirname(compilerLibraryPath())));
  for (const entry of readdirSync(folder)) {
    const match = /^apache_tvm-(.+)\.dist-info$/.exec(entry);
    if (match?.[1] !== undefined) return match[1];
  }
  throw new Error(`no apache_tvm-*.dist-info in ${folder}`);
}

const exists = (name: string) => {
  const fn = native.getGlobalFunction(name);
  fn?.dispose();
  return fn !== undefined;
};
const candidates = [...namesInSources()].sort();
const runtime = candidates.filter(exists);
native.loadLibrary(compilerLibraryPath());
const compiler = candidates.filter((name) => exists(name) && !runtime.includes(name));

const writer = new SignatureWriter((key) => native.typeAncestors(key));
const functions = [...runtime, ...compiler].sort().map((name) => writer.functionLine(name, schemaOf(name)));
const group = (names: readonly string[]) =>
  `{\n    hash: "${hash(names)}",\n    names: [\n${names.map((name) => `      "${name}",\n`).join("")}    ],\n  }`;
const text = `// Generated from the reflection metadata of TVM ${tvmVersion()}. Do not edit; after using a new TVM function, run:
//
//   npx tsx scripts/generate-ffi-signatures.ts
//
// Integers beyond 2^53 arrive as bigints although a result says \`number\`.
${writer.header()}
${writer.typeLines().join("\n")}

/** Every global function of TVM that this project uses. */
export interface GlobalFunctions {
${functions.join("\n")}
}

/** What the loaded libraries are checked against (signature-check.ts). */
export const signatures = {
  tvm: "${tvmVersion()}",
  runtime: ${group(runtime)},
  compiler: ${group(compiler)},
} as const;
`;

for (const name of calledNames("lib")) {
  if (!exists(name)) console.error(`call("${name}"): TVM has no such function`);
}
if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    console.error(
      "lib/ffi/global-functions.ts is out of date: run npx tsx scripts/generate-ffi-signatures.ts",
    );
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
  console.log(
    `lib/ffi/global-functions.ts: ${runtime.length} runtime, ${compiler.length} compiler functions`,
  );
}
