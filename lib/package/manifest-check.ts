/**
 * Whether the numbers of a manifest agree with each other: parameters inside their shards, bytes equal to shapes, sizes equal to
 * the file table, the KV cache equal to the model. Input: a manifest of the right shape. Output: located contradictions.
 */
import { formatVersion } from "./format-version.js";
import { kvBytesPerToken } from "./kv-format.js";
import type { Manifest, ManifestParam } from "./manifest.js";
import { packedDtype, packedShape, WEIGHT_FORMATS } from "./weight-format.js";

/** Each parameter starts at a multiple of this many bytes of its shard. */
export const PARAM_ALIGNMENT = 64;

const DTYPE_BYTES = { float32: 4, float16: 2, uint8: 1 } as const;

/** Every contradiction found, each starting with its place; empty for a sound manifest. */
export function findContradictions(manifest: Manifest): string[] {
  const problems: string[] = [];
  checkModel(manifest, problems);
  checkEmbedding(manifest, problems);
  checkRanking(manifest, problems);
  checkFiles(manifest, problems);
  checkWeights(manifest, problems);
  checkMemory(manifest, problems);
  return problems;
}

function expectEqual(problems: string[], place: string, expected: unknown, received: unknown): void {
  if (expected !== received) problems.push(`${place}: expected ${expected} but received ${received}`);
}

function checkModel({ model, limits, kvCache }: Manifest, problems: string[]): void {
  if (model.attentionHeads % model.keyValueHeads !== 0) {
    problems.push(
      `model.keyValueHeads: expected a divisor of attentionHeads ${model.attentionHeads} but received ${model.keyValueHeads}`,
    );
  }
  if (limits.contextLength > model.contextLength) {
    problems.push(
      `limits.contextLength: expected at most model.contextLength ${model.contextLength} but received ${limits.contextLength}`,
    );
  }
  const bytesPerToken = kvBytesPerToken(model, kvCache.dtype);
  expectEqual(problems, "kvCache.bytesPerToken", bytesPerToken, kvCache.bytesPerToken);
  expectEqual(problems, "kvCache.pageBytes", bytesPerToken * limits.pageSize, kvCache.pageBytes);
}

function checkEmbedding({ embedding }: Manifest, problems: string[]): void {
  const { prompts = {}, defaultPrompt } = embedding ?? {};
  if (defaultPrompt !== undefined && !Object.hasOwn(prompts, defaultPrompt))
    problems.push(
      `embedding.defaultPrompt: expected one of the names in embedding.prompts but received ${defaultPrompt}`,
    );
}

function checkRanking({ version, ranking, libraries }: Manifest, problems: string[]): void {
  expectEqual(problems, "version", formatVersion({ ranking, libraries }), version);
  if (ranking === undefined) return;
  if ((ranking.labels === 2) !== (ranking.score === "softmax")) {
    problems.push(
      `ranking.score: expected softmax of 2 labels and another of 1 but received ${ranking.score} of ${ranking.labels}`,
    );
  }
  libraries.forEach(({ functions }, index) => {
    if (functions.some(({ name }) => name === "decode"))
      problems.push(`libraries[${index}].functions: expected no decode of a package that ranks`);
  });
}

function checkFiles(manifest: Manifest, problems: string[]): void {
  const { files, libraries, weights, tokenizer, chatTemplate, licence } = manifest;
  const named: [string, string][] = [
    ...libraries.map(({ file }, i): [string, string] => [`libraries[${i}].file`, file]),
    ...weights.shards.map(({ file }, i): [string, string] => [`weights.shards[${i}].file`, file]),
    ...tokenizer.files.map((file, i): [string, string] => [`tokenizer.files[${i}]`, file]),
    ...licence.files.map((file, i): [string, string] => [`licence.files[${i}]`, file]),
  ];
  if (chatTemplate !== undefined) named.push(["chatTemplate", chatTemplate]);
  for (const [place, file] of named) {
    if (!Object.hasOwn(files, file)) problems.push(`${place}: expected an entry in files for ${file}`);
  }
  weights.shards.forEach(({ file, bytes }, i) => {
    const entry = Object.hasOwn(files, file) ? files[file] : undefined;
    if (entry !== undefined) expectEqual(problems, `weights.shards[${i}].bytes`, entry.bytes, bytes);
  });
  const names = libraries.map(({ name, target }) => `${name} for ${target.triple}`);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) !== i) problems.push(`libraries[${i}].name: expected one library ${name}`);
  }
  if (new Set(weights.shards.map(({ file }) => file)).size !== weights.shards.length) {
    problems.push("weights.shards: expected a file of its own for each shard");
  }
  // On a file system that ignores case two names would be one file.
  const folded = new Set<string>();
  for (const file of Object.keys(files)) {
    const lower = file.toLowerCase();
    if (folded.has(lower)) problems.push(`files.${file}: expected names that differ in more than case`);
    folded.add(lower);
  }
}

function checkWeights({ weights }: Manifest, problems: string[]): void {
  const names = new Set<string>();
  weights.params.forEach((param, index) => {
    const place = `weights.params[${index}]`;
    if (names.has(param.name))
      problems.push(`${place}.name: expected unique names but received ${param.name} again`);
    names.add(param.name);
    checkParamShape(param, place, problems);
    const shard = weights.shards[param.shard];
    if (shard === undefined) {
      problems.push(
        `${place}.shard: expected less than ${weights.shards.length} but received ${param.shard}`,
      );
    } else if (param.offset + param.bytes > shard.bytes) {
      problems.push(
        `${place}: expected to end within the ${shard.bytes} bytes of ${shard.file} but received end ${param.offset + param.bytes}`,
      );
    }
    if (param.offset % PARAM_ALIGNMENT !== 0) {
      problems.push(
        `${place}.offset: expected a multiple of ${PARAM_ALIGNMENT} but received ${param.offset}`,
      );
    }
  });
  checkOverlaps(weights.params, problems);
  const total = weights.shards.reduce((sum, { bytes }) => sum + bytes, 0);
  expectEqual(problems, "weights.totalBytes", total, weights.totalBytes);
}

/** Packed shape, element type and bytes must follow from the logical shape and the format. */
function checkParamShape(param: ManifestParam, place: string, problems: string[]): void {
  const { format, shape } = param;
  const [rows, columns] = shape;
  if ((format === "vector") !== (columns === undefined) || rows === undefined) {
    problems.push(
      `${place}.shape: expected ${format === "vector" ? "[length]" : "[rows, columns]"} but received [${shape}]`,
    );
    return;
  }
  let expected: readonly number[] = shape;
  if (format !== "vector" && columns !== undefined) {
    const { blockColumns } = WEIGHT_FORMATS[format];
    if (columns % blockColumns !== 0) {
      problems.push(
        `${place}.shape: expected columns in multiples of ${blockColumns} for ${format} but received ${columns}`,
      );
      return;
    }
    expected = packedShape(format, rows, columns);
  }
  const dtype = format === "vector" ? "float32" : packedDtype(format);
  const bytes = expected.reduce((product, extent) => product * extent, DTYPE_BYTES[dtype]);
  expectEqual(problems, `${place}.packedShape`, `[${expected}]`, `[${param.packedShape}]`);
  expectEqual(problems, `${place}.dtype`, dtype, param.dtype);
  expectEqual(problems, `${place}.bytes`, bytes, param.bytes);
}

function checkOverlaps(params: readonly ManifestParam[], problems: string[]): void {
  const sorted = [...params].sort((a, b) => a.shard - b.shard || a.offset - b.offset);
  sorted.reduce<ManifestParam | undefined>((previous, param) => {
    if (previous?.shard === param.shard && previous.offset + previous.bytes > param.offset) {
      problems.push(
        `weights.params: expected ${param.name} after the end of ${previous.name} but they overlap`,
      );
    }
    return param;
  }, undefined);
}

function checkMemory({ memory, weights, libraries }: Manifest, problems: string[]): void {
  expectEqual(problems, "memory.weights", weights.totalBytes, memory.weights);
  libraries.forEach(({ functions }, index) => {
    const largest = functions.reduce((max, { temporaryBytes }) => Math.max(max, temporaryBytes), 0);
    if (memory.temporaries < largest) {
      problems.push(
        `memory.temporaries: expected at least the ${largest} bytes of a function of libraries[${index}] but received ${memory.temporaries}`,
      );
    }
    const names = functions.map(({ name }) => name);
    if (new Set(names).size !== names.length) {
      problems.push(`libraries[${index}].functions: expected unique names but received ${names}`);
    }
  });
}
