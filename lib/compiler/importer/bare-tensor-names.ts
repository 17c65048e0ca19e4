// Decoders that were saved without their head, as embedding models are (Qwen3-Embedding), name tensors "layers.0..." for "model.layers.0...".
import type { TensorFiles } from "./safetensors.js";
import type { SourceTensor } from "./source-tensor.js";

const PREFIX = "model.";
/** Where the bare names begin; no other architecture has a table of this name at its top. */
const TABLE = "embed_tokens.weight";

/** The tensors under the names they have in a decoder with a head. */
export function withModelPrefix(files: TensorFiles): TensorFiles {
  if (!files.tensors.has(TABLE)) return files;
  return {
    tensors: new Map([...files.tensors].map(([name, tensor]) => [prefixed(name), renamed(tensor)])),
    unsupportedTensors: new Map([...files.unsupportedTensors].map(([name, type]) => [prefixed(name), type])),
    close: files.close,
  };
}

function prefixed(name: string): string {
  return name.startsWith("lm_head.") ? name : PREFIX + name;
}

function renamed(tensor: SourceTensor): SourceTensor {
  const { shape, dtype } = tensor;
  return {
    name: prefixed(tensor.name),
    shape,
    dtype,
    bytes: () => tensor.bytes(),
    readRows: (start, count) => tensor.readRows(start, count),
  };
}
