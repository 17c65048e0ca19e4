/**
 * `manifest.json` of a compiled package: schema, types, parsing with located errors.
 *
 * Everything an engine needs to know before it maps a weight is here. This file checks the shape of the document;
 * manifest-check.ts checks that its numbers agree with each other. docs/package-format.md describes each field.
 */
import { z } from "zod";
import { MlcError } from "../errors.js";
import { findContradictions } from "./manifest-check.js";
import { WEIGHT_FORMAT_NAMES } from "./weight-format.js";

export const MANIFEST_FILE = "manifest.json";
export const PACKAGE_FORMAT = "node-mlc-package";
/** Version this release writes and reads. It grows with every change that an older reader would get wrong. */
export const PACKAGE_VERSION = 1;
/** Tokens in one page of the KV cache. */
export const PAGE_SIZE = 16;

const count = z.int().min(0);
const positive = z.int().min(1);
const tokenId = z.int().min(0).max(0x7fffffff);
const text = z.string().min(1).max(4096);

/** Folders and names begin with a letter, digit or "_" and do not end with what Windows would strip. */
const PACKAGE_PATH = (() => {
  const name = "[A-Za-z0-9_](?:[A-Za-z0-9._+(),@ -]*[A-Za-z0-9_+()@-])?";
  return new RegExp(`^${name}(?:/${name})*$`);
})();

/** Path of a file inside the package: relative, with "/", never able to leave the folder or to name the manifest. */
const packagePath = z
  .string()
  .min(1)
  .max(255)
  .regex(PACKAGE_PATH, {
    error: "expected a relative path of letters, digits, spaces and ._+(),@- inside the package",
  })
  .refine((path) => path !== MANIFEST_FILE && path !== "__proto__", {
    error: "expected a file other than the manifest",
  });

const target = z.strictObject({
  kind: z.literal("llvm"),
  /** LLVM target triple, for example "x86_64-unknown-linux-gnu". */
  triple: text,
  /** LLVM name of the CPU the code was generated for. */
  cpu: text,
  /** LLVM feature names the running CPU must support. */
  features: z.array(text).max(1024),
});

const library = z.strictObject({
  target,
  file: packagePath,
  /** Relax functions of the library; bytes of intermediate tensors one call allocates at most. */
  functions: z.array(z.strictObject({ name: text, temporaryBytes: count })).min(1),
});

const param = z.strictObject({
  name: text,
  /** Logical shape: [rows, columns] of a linear weight or [length] of a vector. */
  shape: z.array(positive).min(1).max(2),
  format: z.enum([...WEIGHT_FORMAT_NAMES, "vector"]),
  /** Shape and element type of the tensor the compiled functions receive. */
  packedShape: z.array(positive).min(1).max(3),
  dtype: z.enum(["float32", "float16", "uint8"]),
  /** Index into `weights.shards`, byte offset inside it (a multiple of 64) and bytes. */
  shard: count,
  offset: count,
  bytes: positive,
});

/** `files`: every file of the package but the manifest itself, by path. */
const fileEntry = z.strictObject({
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: "expected 64 hexadecimal digits" }),
});

const manifestSchema = z.strictObject({
  format: z.literal(PACKAGE_FORMAT),
  version: z.literal(PACKAGE_VERSION),
  /** Program and version that wrote the package. */
  generator: text,
  /** Versions of the TVM runtime and of tvm-ffi the library was made for. */
  tvm: z.strictObject({ runtime: text, ffi: text }),
  model: z.strictObject({
    architecture: text,
    name: text,
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
  quantization: text,
  limits: z.strictObject({
    contextLength: positive,
    maxBatch: positive,
    prefillChunk: positive,
    pageSize: z.literal(PAGE_SIZE),
  }),
  kvCache: z.strictObject({
    dtype: z.enum(["float32", "float16"]),
    bytesPerToken: positive,
    pageBytes: positive,
  }),
  libraries: z.array(library).min(1),
  weights: z.strictObject({
    shards: z.array(z.strictObject({ file: packagePath, bytes: positive })).min(1),
    /** In the order of the compiled functions' `params`. */
    params: z.array(param).min(1),
    /** Sum of the shards' bytes. */
    totalBytes: positive,
  }),
  /** Bytes independent of the load: `weights` mapped, `temporaries` of all functions together at the limits. */
  memory: z.strictObject({ weights: positive, temporaries: count }),
  tokenizer: z.strictObject({
    /** Empty for a model without a tokenizer (token ids in, token ids out). */
    files: z.array(packagePath),
    bosTokenId: tokenId.optional(),
    eosTokenIds: z.array(tokenId),
    padTokenId: tokenId.optional(),
    /** Whether raw prompts (no chat template) start with the bos token. */
    addBos: z.boolean(),
  }),
  chatTemplate: packagePath.optional(),
  /** The model's own sampling defaults. */
  generation: z.strictObject({
    temperature: z.number().min(0).optional(),
    topP: z.number().min(0).max(1).optional(),
    topK: count.optional(),
    repetitionPenalty: z.number().positive().optional(),
  }),
  source: z.strictObject({
    kind: z.enum(["huggingface", "gguf"]),
    name: text,
    revision: text.optional(),
  }),
  licence: z.strictObject({
    /** SPDX identifier or the name the source gives. */
    name: text.optional(),
    files: z.array(packagePath),
  }),
  files: z.record(packagePath, fileEntry),
});

/** The whole manifest. */
export type Manifest = z.infer<typeof manifestSchema>;
/** One parameter of the compiled functions. */
export type ManifestParam = Manifest["weights"]["params"][number];
/** One compiled library with its target. */
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
  return packagePath.safeParse(name).success;
}

/** Checks a manifest already parsed (or about to be written); errors as `parseManifest`. */
export function checkManifest(value: unknown, where: string = MANIFEST_FILE): Manifest {
  checkVersion(value, where);
  const result = manifestSchema.safeParse(value);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${location(issue.path)}: ${issue.message}`);
    throw invalid(where, problems);
  }
  const contradictions = findContradictions(result.data);
  if (contradictions.length > 0) throw invalid(where, contradictions);
  return result.data;
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
function location(path: readonly PropertyKey[]): string {
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
