/**
 * `manifest.json` of a compiled package: schema, types, parsing with located errors.
 *
 * Everything an engine needs to know before it maps a weight is here. This file checks the shape of the document;
 * manifest-check.ts checks that its numbers agree with each other. docs/package-format.md describes each field.
 */
import { MlcError } from "../errors.js";
import {
  type Described,
  type Fault,
  flag,
  integer,
  list,
  number,
  object,
  oneOf,
  optional,
  record,
  text,
} from "../schema.js";
import { findContradictions } from "./manifest-check.js";
import { WEIGHT_FORMAT_NAMES } from "./weight-format.js";

export const MANIFEST_FILE = "manifest.json";
export const PACKAGE_FORMAT = "node-mlc-package";
/** Version this release writes and reads. It grows with every change that an older reader would get wrong. */
export const PACKAGE_VERSION = 2;
/** Tokens in one page of the KV cache. */
export const PAGE_SIZE = 16;

const count = integer({ min: 0 });
const positive = integer({ min: 1 });
const tokenId = integer({ min: 0, max: 0x7fffffff });
const label = text({ min: 1, max: 4096 });

/** Folders and names begin with a letter, digit or "_" and do not end with what Windows would strip. */
const PACKAGE_PATH = (() => {
  const name = "[A-Za-z0-9_](?:[A-Za-z0-9._+(),@ -]*[A-Za-z0-9_+()@-])?";
  const reserved = `(?!(?:${MANIFEST_FILE.replace(".", "\\.")}|__proto__)$)`;
  return new RegExp(`^${reserved}${name}(?:/${name})*$`);
})();

/** Path of a file inside the package: relative, with "/", never able to leave the folder or to name the manifest. */
const packagePath = text({
  min: 1,
  max: 255,
  pattern: PACKAGE_PATH,
  expected: "a relative path of letters, digits, spaces and ._+(),@- inside the package, not the manifest's",
});

const target = object({
  kind: oneOf("llvm"),
  /** LLVM target triple, for example "x86_64-unknown-linux-gnu". */
  triple: label,
  /** LLVM name of the CPU the code was generated for. */
  cpu: label,
  /** Width of the vector registers the code uses. */
  vectorBits: positive,
  /** LLVM feature names the running CPU must support. */
  features: list(text({ pattern: /^\w[\w.-]*$/, expected: "an LLVM feature name" }), { max: 1024 }),
});

const library = object({
  /** The processor with the extensions asked for, for example "x86-64-v4+avx512vnni"; one of a triple's libraries each. */
  name: label,
  target,
  file: packagePath,
  /** Relax functions of the library; bytes of intermediate tensors one call allocates at most. */
  functions: list(object({ name: label, temporaryBytes: count }), { min: 1 }),
});

const param = object({
  name: label,
  /** Logical shape: [rows, columns] of a linear weight or [length] of a vector. */
  shape: list(positive, { min: 1, max: 2 }),
  format: oneOf(...WEIGHT_FORMAT_NAMES, "vector"),
  /** Shape and element type of the tensor the compiled functions receive. */
  packedShape: list(positive, { min: 1, max: 3 }),
  dtype: oneOf("float32", "float16", "uint8"),
  /** Index into `weights.shards`, byte offset inside it (a multiple of 64) and bytes. */
  shard: count,
  offset: count,
  bytes: positive,
});

/** `files`: every file of the package but the manifest itself, by path. */
const fileEntry = object({
  bytes: count,
  sha256: text({ pattern: /^[0-9a-f]{64}$/, expected: "64 hexadecimal digits" }),
});

const manifestSchema = object({
  format: oneOf(PACKAGE_FORMAT),
  version: oneOf(PACKAGE_VERSION),
  /** Program and version that wrote the package. */
  generator: label,
  /** Versions of the TVM runtime and of tvm-ffi the library was made for. */
  tvm: object({ runtime: label, ffi: label }),
  model: object({
    architecture: label,
    name: label,
    hiddenSize: positive,
    intermediateSize: positive,
    layers: positive,
    attentionHeads: positive,
    keyValueHeads: positive,
    headDim: positive,
    vocabSize: positive,
    /** Longest context the model was trained for; `limits.contextLength` is what this package serves. */
    contextLength: positive,
  }),
  /** Name of the quantisation scheme; each parameter names its own format. */
  quantization: label,
  /** How activations enter matrix products with quantised weights. */
  activations: oneOf("int8", "float32"),
  limits: object({
    contextLength: positive,
    maxBatch: positive,
    prefillChunk: positive,
    pageSize: oneOf(PAGE_SIZE),
  }),
  kvCache: object({
    dtype: oneOf("float32", "float16"),
    bytesPerToken: positive,
    pageBytes: positive,
  }),
  libraries: list(library, { min: 1 }),
  weights: object({
    shards: list(object({ file: packagePath, bytes: positive }), { min: 1 }),
    /** In the order of the compiled functions' `params`. */
    params: list(param, { min: 1 }),
    /** Sum of the shards' bytes. */
    totalBytes: positive,
  }),
  /** Bytes independent of the load: `weights` mapped, `temporaries` of all functions of the neediest library at the limits. */
  memory: object({ weights: positive, temporaries: count }),
  tokenizer: object({
    /** Empty for a model without a tokenizer (token ids in, token ids out). */
    files: list(packagePath),
    bosTokenId: optional(tokenId),
    eosTokenIds: list(tokenId),
    padTokenId: optional(tokenId),
    /** Whether raw prompts (no chat template) start with the bos token. */
    addBos: flag(),
  }),
  chatTemplate: optional(packagePath),
  /** The model's own sampling defaults. */
  generation: object({
    temperature: optional(number({ min: 0 })),
    topP: optional(number({ min: 0, max: 1 })),
    topK: optional(count),
    repetitionPenalty: optional(number({ min: Number.MIN_VALUE })),
  }),
  source: object({
    kind: oneOf("huggingface", "gguf"),
    name: label,
    revision: optional(label),
  }),
  licence: object({
    /** SPDX identifier or the name the source gives. */
    name: optional(label),
    files: list(packagePath),
  }),
  files: record(packagePath, fileEntry),
});

/** The whole manifest. */
export type Manifest = Described<typeof manifestSchema>;
/** One parameter of the compiled functions. */
export type ManifestParam = Manifest["weights"]["params"][number];
/** One compiled library with its target; the engine loads one of them. */
export type ManifestLibrary = Manifest["libraries"][number];
/** Size and digest of one file. */
export type ManifestFile = Manifest["files"][string];

/**
 * Parses the text of a manifest.
 * Errors: ERR_INVALID_PACKAGE with the place of the fault, ERR_PACKAGE_VERSION for another format version.
 */
export function parseManifest(json: string, where: string = MANIFEST_FILE): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new MlcError(
      "ERR_INVALID_PACKAGE",
      `Expected JSON in ${where} but received text that does not parse (${cause instanceof Error ? cause.message : cause}): the package is damaged, compile it again.`,
      { cause },
    );
  }
  return checkManifest(value, where);
}

/** Whether `name` may name a file of a package. */
export function isPackagePath(name: string): boolean {
  return packagePath.faults(name).length === 0;
}

/** Checks a manifest already parsed (or about to be written); errors as `parseManifest`. */
export function checkManifest(value: unknown, where: string = MANIFEST_FILE): Manifest {
  checkVersion(value, where);
  const faults = manifestSchema.faults(value);
  if (faults.length > 0) {
    throw invalid(
      where,
      faults.map(({ place, message }) => `${location(place)}: ${message}`),
    );
  }
  const manifest = value as Manifest;
  const contradictions = findContradictions(manifest);
  if (contradictions.length > 0) throw invalid(where, contradictions);
  return manifest;
}

/** Format and version first: another version may look different everywhere else. */
function checkVersion(value: unknown, where: string): void {
  const document = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  if (document.format !== PACKAGE_FORMAT) {
    throw new MlcError(
      "ERR_INVALID_PACKAGE",
      `Expected "format": "${PACKAGE_FORMAT}" in ${where} but received ${shown(document.format)}: this is not a compiled package.`,
    );
  }
  const version = document.version;
  if (typeof version === "number" && version !== PACKAGE_VERSION) {
    throw new MlcError(
      "ERR_PACKAGE_VERSION",
      `Expected package version ${PACKAGE_VERSION} in ${where} but received ${version}: ${version > PACKAGE_VERSION ? "update node-mlc" : "compile the model again"}.`,
      { details: { expected: PACKAGE_VERSION, received: version } },
    );
  }
}

function invalid(where: string, problems: readonly string[]): MlcError {
  const more = problems.length > 3 ? ` (and ${problems.length - 3} more)` : "";
  return new MlcError(
    "ERR_INVALID_PACKAGE",
    `Expected a valid manifest in ${where} but received: ${problems.slice(0, 3).join("; ")}${more}. Compile the model again.`,
    { details: { problems: problems.slice(0, 20) } },
  );
}

/** ["weights","params",3,"offset"] → "weights.params[3].offset". */
function location(path: Fault["place"]): string {
  if (path.length === 0) return "(top level)";
  return path
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part).slice(0, 80)}`,
    )
    .join("");
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
