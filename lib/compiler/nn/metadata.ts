import type { FfiObject } from "../../ffi/index.js";
import { BlockBuilder } from "../ir/block-builder.js";
import { stringConstant } from "../ir/relax-expression.js";
import { type ModelSpec, packedParameters } from "./decoder-spec.js";

/**
 * Adds `_metadata()`: what the library was compiled for, as JSON, so that a library alone can say what it expects.
 * @param temporaries bytes of temporaries by function name.
 */
export function addMetadata(
  module: FfiObject,
  spec: ModelSpec,
  temporaries: ReadonlyMap<string, number>,
): FfiObject {
  const metadata = {
    architecture: spec.config.architecture,
    kvDtype: spec.kvDtype,
    prefillChunk: spec.prefillChunk,
    maxBatch: spec.maxBatch,
    temporaries: Object.fromEntries(temporaries),
    params: packedParameters(spec).map(({ name, packedShape, dtype }) => ({
      name,
      shape: packedShape,
      dtype,
    })),
  };
  const builder = new BlockBuilder(module);
  builder.constantFunction("_metadata", stringConstant(JSON.stringify(metadata)));
  return builder.finish();
}
