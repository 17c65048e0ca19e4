import { readFile, rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import { MlcError } from "../../../lib/errors.js";
import { type Manifest, parseManifest } from "../../../lib/package/manifest.js";
import { temporaryFolder, writePackage } from "./package-fixture.js";

/** JSON of which a test changes one place. */
// biome-ignore lint/suspicious/noExplicitAny: the point is to build documents the schema forbids
type Document = any;

let root: string;
let sound: string;
beforeAll(async () => {
  root = await temporaryFolder();
  sound = await readFile(path.join(await writePackage(path.join(root, "sound")), "manifest.json"), "utf8");
});
afterAll(() => rm(root, { recursive: true, force: true }));

function rejection(change: (document: Document) => void): MlcError {
  const document: Document = JSON.parse(sound);
  change(document);
  try {
    parseManifest(JSON.stringify(document));
  } catch (error) {
    if (error instanceof MlcError) return error;
    throw error;
  }
  throw new Error("expected the manifest to be refused");
}

test("the manifest of a written package is sound and keeps every field", () => {
  expect(parseManifest(sound)).toEqual(JSON.parse(sound));
});

test("another version is told apart from damage", () => {
  const newer = rejection((m) => {
    m.version = 4;
    m.weights = "something new";
  });
  expect(newer.code).toBe("ERR_PACKAGE_VERSION");
  expect(newer.message).toMatch(/Expected package version 2 or 3 .* received 4: update node-mlc/);
  expect(rejection((m) => Object.assign(m, { version: 1 })).message).toMatch(/compile the model again/);
  expect(rejection((m) => Object.assign(m, { version: "2" })).code).toBe("ERR_INVALID_PACKAGE");
  expect(rejection((m) => Object.assign(m, { format: "other" })).message).toMatch(/not a compiled package/);
});

test("text that is no JSON, JSON that is no object", () => {
  for (const text of ["", "{", "null", "[]", "3", '"x"', sound.slice(0, -10)]) {
    expect(() => parseManifest(text)).toThrow(MlcError);
  }
});

/** One wrong place each: the change and what the message must name. */
const VIOLATIONS: readonly [string, (m: Document) => void, RegExp][] = [
  ["a missing field", (m) => delete m.limits.maxBatch, /limits\.maxBatch/],
  ["an unknown field", (m) => Object.assign(m.model, { surprise: 1 }), /model: .*surprise/],
  ["a wrong type", (m) => Object.assign(m.model, { layers: "2" }), /model\.layers: .*number/],
  ["a fraction", (m) => Object.assign(m.model, { layers: 2.5 }), /model\.layers/],
  ["zero layers", (m) => Object.assign(m.model, { layers: 0 }), /model\.layers/],
  [
    "a number beyond exact integers",
    (m) => Object.assign(m.model, { vocabSize: 2 ** 60 }),
    /model\.vocabSize/,
  ],
  [
    "ranking in an older version",
    (m) => Object.assign(m, { ranking: { labels: 1, tokenTypes: 2, score: "sigmoid" } }),
    /version: expected 3 but received 2/,
  ],
  ["a newer version for nothing", (m) => Object.assign(m, { version: 3 }), /version: expected 2/],
  [
    "a score that does not fit the labels",
    (m) => Object.assign(m, { version: 3, ranking: { labels: 2, tokenTypes: 2, score: "sigmoid" } }),
    /ranking\.score: expected softmax of 2/,
  ],
  [
    "three labels",
    (m) => Object.assign(m, { version: 3, ranking: { labels: 3, tokenTypes: 2, score: "softmax" } }),
    /ranking\.labels/,
  ],
  [
    "ranking by a decoder",
    (m) => Object.assign(m, { version: 3, ranking: { labels: 1, tokenTypes: 2, score: "logit" } }),
    /libraries\[0\]\.functions: expected no decode/,
  ],
  ["another page size", (m) => Object.assign(m.limits, { pageSize: 32 }), /limits\.pageSize/],
  ["heads that do not divide", (m) => Object.assign(m.model, { attentionHeads: 3 }), /model\.keyValueHeads/],
  [
    "a context beyond the model",
    (m) => Object.assign(m.limits, { contextLength: 129 }),
    /limits\.contextLength/,
  ],
  [
    "KV bytes",
    (m) => Object.assign(m.kvCache, { bytesPerToken: 127 }),
    /kvCache\.bytesPerToken: expected 128/,
  ],
  ["page bytes", (m) => Object.assign(m.kvCache, { pageBytes: 1 }), /kvCache\.pageBytes: expected 2048/],
  ["a KV type", (m) => Object.assign(m.kvCache, { dtype: "bfloat16" }), /kvCache\.dtype/],
  ["no library", (m) => Object.assign(m, { libraries: [] }), /libraries/],
  [
    "a library without an entry",
    (m) => delete m.files["lib/model.so"],
    /libraries\[0\]\.file: .*lib\/model\.so/,
  ],
  ["a library twice", (m) => m.libraries.push(m.libraries[0]), /libraries\[1\]\.name: expected one/],
  [
    "a feature to do without",
    (m) => Object.assign(m.libraries[0].target, { features: ["-avx2"] }),
    /features\[0\]: expected an LLVM feature name/,
  ],
  ["a function twice", (m) => m.libraries[0].functions.push(m.libraries[0].functions[0]), /unique names/],
  [
    "temporaries below a function's",
    (m) => Object.assign(m.memory, { temporaries: 5 }),
    /memory\.temporaries/,
  ],
  ["another weight total in memory", (m) => Object.assign(m.memory, { weights: 5 }), /memory\.weights/],
  ["another weight total", (m) => Object.assign(m.weights, { totalBytes: 5 }), /weights\.totalBytes/],
  ["shard bytes", (m) => Object.assign(m.weights.shards[0], { bytes: 99 }), /weights\.shards\[0\]\.bytes/],
  [
    "a shard without an entry",
    (m) => Object.assign(m.weights.shards[0], { file: "x" }),
    /weights\.shards\[0\]\.file/,
  ],
  ["one file for two shards", (m) => m.weights.shards.push(m.weights.shards[0]), /file of its own/],
  ["a param in no shard", (m) => Object.assign(m.weights.params[1], { shard: 1 }), /params\[1\]\.shard/],
  [
    "a param beyond its shard",
    (m) => Object.assign(m.weights.params[3], { offset: 2 ** 40 }),
    /params\[3\]: .*within/,
  ],
  [
    "an unaligned param",
    (m) => Object.assign(m.weights.params[1], { offset: 65 }),
    /params\[1\]\.offset: .*64/,
  ],
  ["a negative offset", (m) => Object.assign(m.weights.params[1], { offset: -64 }), /params\[1\]\.offset/],
  ["two params in one place", (m) => Object.assign(m.weights.params[2], { offset: 64 }), /overlap/],
  [
    "a name twice",
    (m) => Object.assign(m.weights.params[1], { name: "model.norm.weight" }),
    /params\[1\]\.name/,
  ],
  [
    "a packed shape",
    (m) => Object.assign(m.weights.params[1], { packedShape: [3, 1, 320] }),
    /params\[1\]\.packedShape/,
  ],
  ["a param type", (m) => Object.assign(m.weights.params[1], { dtype: "float16" }), /params\[1\]\.dtype/],
  [
    "param bytes",
    (m) => Object.assign(m.weights.params[1], { bytes: 8 }),
    /params\[1\]\.bytes: expected 1632/,
  ],
  ["a format", (m) => Object.assign(m.weights.params[1], { format: "q3" }), /params\[1\]\.format/],
  [
    "a vector with two extents",
    (m) => Object.assign(m.weights.params[0], { shape: [5, 2] }),
    /params\[0\]\.shape/,
  ],
  ["a matrix with one", (m) => Object.assign(m.weights.params[1], { shape: [1280] }), /params\[1\]\.shape/],
  [
    "columns between groups",
    (m) => Object.assign(m.weights.params[1], { shape: [40, 33] }),
    /multiples of 32/,
  ],
  [
    "columns between blocks",
    (m) => Object.assign(m.weights.params[1], { format: "q6_k", shape: [40, 288] }),
    /multiples of 256 for q6_k/,
  ],
  ["no tokenizer file entry", (m) => delete m.files["tokenizer.json"], /tokenizer\.files\[0\]/],
  ["no template entry", (m) => Object.assign(m, { chatTemplate: "other.jinja" }), /chatTemplate/],
  ["a wrong digest", (m) => Object.assign(m.files.LICENSE, { sha256: "abc" }), /files\.LICENSE\.sha256/],
  ["a wrong probability", (m) => Object.assign(m.generation, { topP: 2 }), /generation\.topP/],
  [
    "names that differ in case",
    (m) => Object.assign(m.files, { license: m.files.LICENSE }),
    /differ in more than case/,
  ],
];

/** One wrong place each: the change and the whole text of the fault. */
const FAULTS: readonly [(m: Document) => void, string][] = [
  [(m) => delete m.limits.maxBatch, "limits.maxBatch: expected a value but received undefined"],
  [(m) => Object.assign(m.model, { surprise: 1 }), 'model: unknown field "surprise"'],
  [(m) => ownProperty(m.model, "__proto__", 1), 'model: unknown field "__proto__"'],
  [(m) => Object.assign(m.model, { constructor: 1 }), 'model: unknown field "constructor"'],
  [(m) => Object.assign(m, { surprise: 1 }), '(top level): unknown field "surprise"'],
  [(m) => Object.assign(m.model, { name: "" }), "model.name: expected length >=1 but received 0"],
  [
    (m) => Object.assign(m.model, { name: "x".repeat(4097) }),
    "model.name: expected length <=4096 but received 4097",
  ],
  [(m) => Object.assign(m.model, { name: 3 }), "model.name: expected string but received 3"],
  [(m) => Object.assign(m.model, { layers: null }), "model.layers: expected number but received null"],
  [
    (m) => Object.assign(m.model, { layers: 1.5 }),
    "model.layers: expected an exact integer but received 1.5",
  ],
  [
    (m) => Object.assign(m.model, { layers: 2 ** 53 }),
    `model.layers: expected an exact integer but received ${2 ** 53}`,
  ],
  [(m) => Object.assign(m.model, { layers: 0 }), "model.layers: expected >=1 but received 0"],
  [(m) => Object.assign(m, { model: [] }), "model: expected object but received Array"],
  [(m) => Object.assign(m, { generation: [] }), "generation: expected object but received Array"],
  [(m) => Object.assign(m, { generation: null }), "generation: expected object but received null"],
  [(m) => Object.assign(m, { files: [] }), "files: expected object but received Array"],
  [
    (m) => ownProperty(m.files, "__proto__", m.files.LICENSE),
    "files: expected no key __proto__, prototype, constructor",
  ],
  [
    (m) => Object.assign(m.files, { constructor: m.files.LICENSE }),
    "files: expected no key __proto__, prototype, constructor",
  ],
  [
    (m) => Object.assign(m.files, { "../x": m.files.LICENSE }),
    'files.../x: expected a relative path of letters, digits, spaces and ._+(),@- inside the package, not the manifest\'s but received "../x"',
  ],
  [
    (m) => Object.assign(m.generation, { topP: "\u001b[0m" }),
    'generation.topP: expected number but received "\\u001b[0m"',
  ],
  [(m) => Object.assign(m.generation, { topK: null }), "generation.topK: expected number but received null"],
  [
    (m) => Object.assign(m.generation, { repetitionPenalty: 0 }),
    "generation.repetitionPenalty: expected >0 but received 0",
  ],
  [(m) => Object.assign(m.tokenizer, { addBos: 1 }), "tokenizer.addBos: expected boolean but received 1"],
  [
    (m) => Object.assign(m.tokenizer, { eosTokenIds: [1, 2 ** 31] }),
    `tokenizer.eosTokenIds[1]: expected <=${0x7fffffff} but received ${2 ** 31}`,
  ],
  [
    (m) => Object.assign(m.kvCache, { dtype: "x".repeat(100) }),
    `kvCache.dtype: expected ("float32" | "float16" | "int8") but received "${"x".repeat(79)}`,
  ],
  [
    (m) => Object.assign(m.weights.params[0], { shape: {} }),
    "weights.params[0].shape: expected Array but received Object",
  ],
  [
    (m) => Object.assign(m.weights.params[0], { shape: [1, 1, 1] }),
    "weights.params[0].shape: expected length <=2 but received 3",
  ],
];

/** Sets a key as JSON.parse does, whatever its name. */
function ownProperty(holder: object, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

describe("the fault of a manifest is", () => {
  for (const [change, fault] of FAULTS) {
    test(fault, () => {
      expect(rejection(change).details).toEqual({ problems: [fault] });
    });
  }
});

test("a number beyond all doubles is refused", () => {
  const document: Document = JSON.parse(sound);
  document.generation.temperature = "huge";
  const text = JSON.stringify(document).replace('"huge"', "1e999");
  expect(() => parseManifest(text)).toThrow(
    "generation.temperature: expected a finite number but received Infinity",
  );
});

test("every fault is reported", () => {
  const { details } = rejection((m) => {
    m.model.layers = "2";
    delete m.limits.maxBatch;
    m.weights.params[1].shape = [0, -1];
    m.source.more = 1;
  });
  expect(details).toEqual({ problems: expect.objectContaining({ length: 5 }) });
});

test("the type of a manifest is the type of its fields", () => {
  expectTypeOf<Manifest["model"]["layers"]>().toEqualTypeOf<number>();
  expectTypeOf<Manifest["generation"]["topK"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Manifest["kvCache"]["dtype"]>().toEqualTypeOf<"float32" | "float16" | "int8">();
  expectTypeOf<Manifest["tokenizer"]["files"]>().toEqualTypeOf<string[]>();
  expectTypeOf<Manifest["files"]>().toEqualTypeOf<Record<string, { bytes: number; sha256: string }>>();
});

describe("a manifest is refused with the place of the fault for", () => {
  test.each(VIOLATIONS)("%s", (_, change, message) => {
    const error = rejection(change);
    expect(error.code).toBe("ERR_INVALID_PACKAGE");
    expect(error.message).toMatch(message);
  });

  test.each([
    "../outside",
    "a/../../outside",
    "/etc/passwd",
    "C:/x",
    "a\\b",
    "a//b",
    "./a",
    "a/",
    ".hidden",
    "trailing.",
    "trailing /x",
    "a\0b",
    "manifest.json",
    "constructor",
    "",
    "x".repeat(300),
  ])("the file name %j", (name) => {
    const error = rejection((m) => {
      m.files[name] = m.files.LICENSE;
      m.licence.files = [name];
    });
    expect(error.message).toMatch(/licence\.files\[0\]|files/);
  });

  test("a file named __proto__", () => {
    const text = sound.replace('"files": {', '"files": { "__proto__": {"bytes": 1, "sha256": "x"},');
    const manifest = (() => {
      try {
        return parseManifest(text.replace(/"LICENSE"\s*\]/, '"__proto__"]'));
      } catch (error) {
        return error;
      }
    })();
    expect(manifest).toBeInstanceOf(MlcError);
  });
});
