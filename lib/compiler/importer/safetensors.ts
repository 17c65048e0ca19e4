// Tensors of one or several safetensors files, read lazily.
import path from "node:path";
import { MlcError } from "../../errors.js";
import type { ByteSource, OpenBytes } from "./byte-source.js";
import type { SourceDtype } from "./ggml-types.js";
import { isJsonObject, parseJsonObject, readText } from "./json-file.js";
import { malformed } from "./malformed-file.js";
import { readSafetensorsHeader } from "./safetensors-header.js";
import { FileTensor, type SourceTensor } from "./source-tensor.js";

const IMPORTABLE: ReadonlyMap<string, SourceDtype> = new Map([
  ["F32", "f32"],
  ["F16", "f16"],
  ["BF16", "bf16"],
]);

/** The tensors of a checkpoint and the files they lie in. */
export interface TensorFiles {
  readonly tensors: ReadonlyMap<string, SourceTensor>;
  /** Tensors of other types (integers, 8-bit floats), by name with the type. */
  readonly unsupportedTensors: ReadonlyMap<string, string>;
  close(): void;
}

/** Opens a single safetensors file. Errors: ERR_INVALID_MODEL, ERR_MODEL_NOT_FOUND, ERR_IO. */
export function openSafetensors(file: string, open: OpenBytes): TensorFiles {
  return openFiles([file], open);
}

/**
 * Opens a sharded checkpoint by its `model.safetensors.index.json`.
 * Errors: as above, ERR_MISSING_TENSOR where a shard lacks a tensor of the index.
 */
export function openShardedSafetensors(index: string, open: OpenBytes): TensorFiles {
  const { weight_map: weightMap } = parseJsonObject(readText(index), index);
  if (!isJsonObject(weightMap)) throw malformed(index, "a weight_map object", weightMap);
  const shards = new Set<string>();
  for (const [name, file] of Object.entries(weightMap)) {
    // A shard lies beside its index; a path could lead anywhere.
    if (typeof file !== "string" || !/^[^/\\]+\.safetensors$/.test(file))
      throw malformed(index, `the name of a .safetensors file for ${name}`, file);
    shards.add(file);
  }
  if (shards.size === 0) throw malformed(index, "at least one shard", weightMap);
  const files = openFiles(
    [...shards].map((shard) => path.join(path.dirname(index), shard)),
    open,
  );
  for (const [name, file] of Object.entries(weightMap)) {
    if (files.tensors.has(name) || files.unsupportedTensors.has(name)) continue;
    files.close();
    throw new MlcError(
      "ERR_MISSING_TENSOR",
      `Expected the tensor ${name} in ${file} as ${index} says but it is not there.`,
      {
        details: { tensor: name },
      },
    );
  }
  return files;
}

function openFiles(paths: readonly string[], open: OpenBytes): TensorFiles {
  const sources: ByteSource[] = [];
  const tensors = new Map<string, SourceTensor>();
  const unsupportedTensors = new Map<string, string>();
  const close = () => {
    for (const source of sources) source.close();
  };
  try {
    for (const file of paths) {
      const source = open(file);
      sources.push(source);
      addTensors(source, tensors, unsupportedTensors);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { tensors, unsupportedTensors, close };
}

function addTensors(
  source: ByteSource,
  tensors: Map<string, SourceTensor>,
  unsupportedTensors: Map<string, string>,
): void {
  for (const { name, dtype, shape, offset } of readSafetensorsHeader(source)) {
    if (tensors.has(name) || unsupportedTensors.has(name))
      throw malformed(source.name, `each tensor in one file only`, name);
    const importable = IMPORTABLE.get(dtype);
    if (importable === undefined) unsupportedTensors.set(name, dtype);
    else tensors.set(name, new FileTensor({ name, shape, dtype: importable, source, offset }));
  }
}
