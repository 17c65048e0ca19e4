/**
 * `manifest.json` of a compiled package: schema, types, parsing with located errors.
 *
 * Everything an engine needs to know before it maps a weight is here. This file checks the shape of the document;
 * manifest-check.ts checks that its numbers agree with each other. docs/package-format.md describes each field.
 */
import {
  array,
  boolean,
  type InferOutput,
  is,
  literal,
  maxLength,
  maxValue,
  minLength,
  minValue,
  optional,
  picklist,
  pipe,
  regex,
  string,
} from "valibot";
import { MlcError } from "../errors.js";
import { EXTENDED_VERSION, PACKAGE_VERSION, READ_VERSIONS } from "./format-version.js";
import {
  closedObject,
  expecting,
  type Fault,
  finiteNumber,
  keyedObject,
  match,
  moreThanZero,
  UNSEEN_KEYS,
  wholeNumber,
} from "./json-schema.js";
import { KV_DTYPES, PAGE_SIZE } from "./kv-format.js";
import { findContradictions } from "./manifest-check.js";
import { WEIGHT_FORMAT_NAMES } from "./weight-format.js";

export const MANIFEST_FILE = "manifest.json";
export const PACKAGE_FORMAT = "node-mlc-package";

const count = wholeNumber(0);
const positive = wholeNumber(1);
const tokenId = pipe(count, maxValue(0x7fffffff));
const label = pipe(string(), minLength(1), maxLength(4096));

/** Folders and names begin with a letter, digit or "_" and do not end with what Windows would strip. */
const PACKAGE_PATH = (() => {
  const name = "[A-Za-z0-9_](?:[A-Za-z0-9._+(),@ -]*[A-Za-z0-9_+()@-])?";
  const reserved = `(?!(?:${[MANIFEST_FILE.replace(".", "\\."), ...UNSEEN_KEYS].join("|")})$)`;
  return new RegExp(`^${reserved}${name}(?:/${name})*$`);
})();

/** Path of a file inside the package: relative, with "/", never able to leave the folder or to name the manifest. */
const packagePath = pipe(
  string(),
  minLength(1),
  maxLength(255),
  regex(
    PACKAGE_PATH,
    expecting(
      "a relative path of letters, digits, spaces and ._+(),@- inside the package, not the manifest's",
    ),
  ),
);

/** Kinds of GPUs that libraries are compiled for; the names of their runtimes. */
export const GPU_KINDS = ["opencl", "vulkan", "cuda"] as const;
export type GpuKind = (typeof GPU_KINDS)[number];

const target = closedObject({
  kind: literal("llvm"),
  /** The GPUs that the kernels are for; the processor then only launches them. */
  gpu: optional(picklist(GPU_KINDS)),
  /** LLVM target triple, for example "x86_64-unknown-linux-gnu". */
  triple: label,
  /** LLVM name of the CPU the code was generated for. */
  cpu: label,
  /** Width of the vector registers the code uses. */
  vectorBits: positive,
  /** LLVM feature names the running CPU must support. */
  features: pipe(
    array(pipe(string(), regex(/^\w[\w.-]*$/, expecting("an LLVM feature name")))),
    maxLength(1024),
  ),
});

const tuning = closedObject({
  /** Threads it was measured with. */
  threads: positive,
  kernels: array(
    closedObject({
      kernel: label,
      /** By the compile that wrote this package, or an earlier one. */
      origin: picklist(["measured", "recorded"]),
      /** Numbers that are not the processor's defaults. */
      changes: keyedObject(label, count),
      /** Times faster than the defaults, by kind of call. */
      speedups: keyedObject(label, moreThanZero),
    }),
  ),
});

const library = closedObject({
  /** The processor with the extensions asked for, for example "x86-64-v4+avx512vnni"; one of a triple's libraries each. */
  name: label,
  target,
  file: packagePath,
  /** Relax functions of the library; bytes of intermediate tensors one call allocates at most. */
  functions: pipe(array(closedObject({ name: label, temporaryBytes: count })), minLength(1)),
  /** What was measured for its kernels on the machine it was compiled on; absent where nothing was. */
  tuning: optional(tuning),
});

const param = closedObject({
  name: label,
  /** Logical shape: [rows, columns] of a linear weight or [length] of a vector. */
  shape: pipe(array(positive), minLength(1), maxLength(2)),
  format: picklist([...WEIGHT_FORMAT_NAMES, "vector"]),
  /** Shape and element type of the tensor the compiled functions receive. */
  packedShape: pipe(array(positive), minLength(1), maxLength(3)),
  dtype: picklist(["float32", "float16", "uint8"]),
  /** Index into `weights.shards`, byte offset inside it (a multiple of 64) and bytes. */
  shard: count,
  offset: count,
  bytes: positive,
});

/** `files`: every file of the package but the manifest itself, by path. */
const fileEntry = closedObject({
  bytes: count,
  sha256: pipe(string(), regex(/^[0-9a-f]{64}$/, expecting("64 hexadecimal digits"))),
});

const manifestSchema = closedObject({
  format: literal(PACKAGE_FORMAT),
  version: picklist([PACKAGE_VERSION, EXTENDED_VERSION]),
  /** Program and version that wrote the package. */
  generator: label,
  /** Versions of the TVM runtime and of tvm-ffi the library was made for. */
  tvm: closedObject({ runtime: label, ffi: label }),
  model: closedObject({
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
  activations: picklist(["int8", "float32"]),
  limits: closedObject({
    contextLength: positive,
    maxBatch: positive,
    prefillChunk: positive,
    pageSize: literal(PAGE_SIZE),
  }),
  kvCache: closedObject({
    dtype: picklist(KV_DTYPES),
    bytesPerToken: positive,
    pageBytes: positive,
  }),
  libraries: pipe(array(library), minLength(1)),
  weights: closedObject({
    shards: pipe(array(closedObject({ file: packagePath, bytes: positive })), minLength(1)),
    /** In the order of the compiled functions' `params`. */
    params: pipe(array(param), minLength(1)),
    /** Sum of the shards' bytes. */
    totalBytes: positive,
  }),
  /** Bytes independent of the load: `weights` mapped, `temporaries` of all functions of the neediest library at the limits. */
  memory: closedObject({ weights: positive, temporaries: count }),
  tokenizer: closedObject({
    /** Empty for a model without a tokenizer (token ids in, token ids out). */
    files: array(packagePath),
    bosTokenId: optional(tokenId),
    eosTokenIds: array(tokenId),
    padTokenId: optional(tokenId),
    /** Whether raw prompts (no chat template) start with the bos token. */
    addBos: boolean(),
  }),
  chatTemplate: optional(packagePath),
  /** The model's own sampling defaults. */
  generation: closedObject({
    temperature: optional(pipe(finiteNumber, minValue(0))),
    topP: optional(pipe(finiteNumber, minValue(0), maxValue(1))),
    topK: optional(count),
    repetitionPenalty: optional(moreThanZero),
  }),
  /** How texts become vectors, where the source says so (docs/embeddings.md); absent: the row of the last token. */
  embedding: optional(
    closedObject({
      pooling: picklist(["mean", "cls", "last"]),
      /** Longest text in tokens that the model was trained for, where it is less than the context. */
      maxTokens: optional(positive),
      /** Texts to put before a text, by name, and the name of the one that is used unless another is asked for. */
      prompts: optional(keyedObject(label, pipe(string(), maxLength(65536)))),
      defaultPrompt: optional(label),
    }),
  ),
  /** A cross-encoder (docs/embeddings.md): `encode` gives the logits of a pair of texts; version 3. */
  ranking: optional(
    closedObject({
      /** Logits of a pair; the second of two is that of the positive class. */
      labels: pipe(positive, maxValue(2)),
      /** Kinds of tokens that `embed` tells apart, by ids of `type * vocabSize + id`. */
      tokenTypes: positive,
      /** What the logits become: one number for a document. */
      score: picklist(["sigmoid", "softmax", "logit"]),
    }),
  ),
  source: closedObject({
    kind: picklist(["huggingface", "gguf"]),
    name: label,
    revision: optional(label),
  }),
  licence: closedObject({
    /** SPDX identifier or the name the source gives. */
    name: optional(label),
    files: array(packagePath),
  }),
  files: keyedObject(packagePath, fileEntry),
});

/** The whole manifest. */
export type Manifest = InferOutput<typeof manifestSchema>;
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
  return is(packagePath, name);
}

/** Checks a manifest already parsed (or about to be written); errors as `parseManifest`. */
export function checkManifest(value: unknown, where: string = MANIFEST_FILE): Manifest {
  checkVersion(value, where);
  const matched = match(manifestSchema, value);
  if ("faults" in matched) {
    throw invalid(
      where,
      matched.faults.map(({ place, message }) => `${location(place)}: ${message}`),
    );
  }
  const manifest = matched.data;
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
  if (typeof version === "number" && !READ_VERSIONS.includes(version)) {
    throw new MlcError(
      "ERR_PACKAGE_VERSION",
      `Expected package version ${READ_VERSIONS.join(" or ")} in ${where} but received ${version}: ${version > PACKAGE_VERSION ? "update node-mlc" : "compile the model again"}.`,
      { details: { expected: READ_VERSIONS, received: version } },
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
