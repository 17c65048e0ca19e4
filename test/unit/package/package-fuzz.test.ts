import { readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { MlcError } from "../../../lib/errors.js";
import { parseManifest } from "../../../lib/package/manifest.js";
import { planMemory } from "../../../lib/package/memory-plan.js";
import { ModelPackage } from "../../../lib/package/model-package.js";
import { randomNumbers } from "../quantization/source-tensor-fixture.js";
import { temporaryFolder, writePackage } from "./package-fixture.js";

let root: string;
let folder: string;
let sound: string;
beforeAll(async () => {
  root = await temporaryFolder();
  folder = await writePackage(path.join(root, "sound"));
  sound = await readFile(path.join(folder, "manifest.json"), "utf8");
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Random = () => number;
const pick = <T>(random: Random, list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;

const HOSTILE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1,
  2.5,
  15,
  16,
  64,
  65,
  4096,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e300,
  -1e300,
  "",
  "x",
  "../x",
  "/etc/passwd",
  "manifest.json",
  "__proto__",
  "constructor",
  "q4_1",
  "vector",
  "float32",
  "LICENSE",
  [],
  [0],
  [1, 2, 3, 4],
  {},
  { a: 1 },
];

/** Every object and array of a document. */
function containers(value: unknown, found: (Record<string, unknown> | unknown[])[] = []) {
  if (typeof value === "object" && value !== null) {
    found.push(value as Record<string, unknown>);
    for (const child of Object.values(value)) containers(child, found);
  }
  return found;
}

/** Changes one place of the document: another value, a missing or additional field, a swap with another place. */
function mutateDocument(document: unknown, random: Random): void {
  const all = containers(document);
  const holder = pick(random, all) as Record<string, unknown>;
  const keys = Object.keys(holder);
  const key = pick(random, keys) ?? "0";
  const action = random();
  if (action < 0.5) holder[key] = structuredClone(pick(random, HOSTILE));
  else if (action < 0.65 && !Array.isArray(holder)) delete holder[key];
  else if (action < 0.8) holder[`${key}2`] = structuredClone(pick(random, HOSTILE));
  else if (typeof holder[key] === "number")
    holder[key] = (holder[key] as number) + pick(random, [-64, -1, 1, 64]);
  else holder[key] = structuredClone(pick(random, all));
}

/** Changes the text: flipped, removed or repeated characters. */
function mutateText(text: string, random: Random): string {
  const at = Math.floor(random() * text.length);
  const length = 1 + Math.floor(random() * 20);
  const action = random();
  if (action < 0.4) return text.slice(0, at) + String.fromCharCode(random() * 128) + text.slice(at + 1);
  if (action < 0.6) return text.slice(0, at) + text.slice(at + length);
  if (action < 0.8) return text.slice(0, at + length) + text.slice(at);
  return text.slice(0, at);
}

/** Parses; what is accepted must also plan to finite numbers. */
function outcome(text: string): "accepted" | "refused" {
  try {
    const manifest = parseManifest(text);
    expect(Number.isFinite(planMemory(manifest).total)).toBe(true);
    return "accepted";
  } catch (error) {
    if (error instanceof MlcError) return "refused";
    throw error;
  }
}

test("thousands of mutated manifests are accepted or refused with a typed error, never anything else", () => {
  const random = randomNumbers(20240601);
  const counts = { accepted: 0, refused: 0 };
  for (let i = 0; i < 6000; i++) {
    const document: unknown = JSON.parse(sound);
    const mutations = 1 + Math.floor(random() * 3);
    for (let m = 0; m < mutations; m++) mutateDocument(document, random);
    const text = random() < 0.5 ? JSON.stringify(document) : mutateText(sound, random);
    counts[outcome(text)]++;
  }
  // Most mutations hit something that matters; a schema that lets everything pass would show here.
  expect(counts.refused).toBeGreaterThan(4000);
  expect(counts.accepted).toBeGreaterThan(10);
});

test("packages with truncated, grown or changed files open or fail with a typed error", {
  timeout: 120_000,
}, async () => {
  const random = randomNumbers(99);
  const names = [
    "manifest.json",
    "weights-00000.bin",
    "lib/model.so",
    "tokenizer.json",
    "chat_template.jinja",
    "LICENSE",
  ];
  const counts = new Map<string, number>();
  for (let i = 0; i < 1000; i++) {
    const file = path.join(folder, pick(random, names));
    const original = await readFile(file);
    const size = (await stat(file)).size;
    if (random() < 0.5) await truncate(file, Math.floor(random() * size));
    else if (random() < 0.2) await writeFile(file, Buffer.concat([original, Buffer.from("more")]));
    else {
      const damaged = Buffer.from(original);
      damaged[Math.floor(random() * size)] = Math.floor(random() * 256);
      await writeFile(file, damaged);
    }
    const changed = !(await readFile(file)).equals(original);
    const code = await ModelPackage.open(folder, { verify: true }).then(
      () => "opened",
      (error: unknown) => {
        if (!(error instanceof MlcError)) throw error;
        return error.code;
      },
    );
    counts.set(code, (counts.get(code) ?? 0) + 1);
    // With verify nothing but the manifest itself (whose text may change without meaning) can differ unnoticed.
    if (changed && !file.endsWith("manifest.json")) expect(code).not.toBe("opened");
    await writeFile(file, original);
  }
  expect([...counts.keys()].sort()).toEqual(["ERR_DIGEST_MISMATCH", "ERR_INVALID_PACKAGE", "opened"].sort());
});
