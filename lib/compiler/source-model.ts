// A source model with its configuration understood: the decoder it is, and a tensor for every parameter that decoder has.
import { importModel } from "./importer/import-model.js";
import { type ImportedModel, requireTensor, type SourceTensor } from "./importer/imported-model.js";
import type { DecoderConfig } from "./models/decoder-config.js";
import { type ParameterSpec, ROPE_FREQUENCIES } from "./models/parameters.js";
import { architectureOfHuggingFace } from "./models/registry.js";
import { inverseFrequencies } from "./models/rope.js";
import { AlternatingRows } from "./quantization/alternating-rows.js";

export interface SourceModel {
  readonly imported: ImportedModel;
  readonly config: DecoderConfig;
}

/**
 * Opens a model; the caller closes `imported`.
 * @throws MlcError what `importModel` throws, ERR_UNSUPPORTED_ARCHITECTURE, ERR_UNSUPPORTED_FIELD, ERR_INVALID_MODEL.
 */
export async function openSourceModel(source: string): Promise<SourceModel> {
  const imported = await importModel(source);
  try {
    return { imported, config: architectureOfHuggingFace(imported.config).fromHuggingFace(imported.config) };
  } catch (error) {
    imported.close();
    throw error;
  }
}

/**
 * The source of one parameter, checked against the shape the decoder wants; the rotary frequencies are computed.
 * @throws MlcError ERR_MISSING_TENSOR, ERR_UNSUPPORTED_FORMAT, ERR_INVALID_MODEL for another shape.
 */
export function parameterSource(
  { imported, config }: SourceModel,
  { name, shape, alternates }: ParameterSpec,
): SourceTensor {
  if (alternates !== undefined) {
    const [rows = 0, columns = 0] = shape;
    const part = [rows / alternates.length, columns];
    return new AlternatingRows(
      name,
      alternates.map((source) => requireTensor(imported, source, part)),
    );
  }
  if (name !== ROPE_FREQUENCIES) return requireTensor(imported, name, shape);
  const values = inverseFrequencies(config.headDim, config.ropeTheta, config.ropeScaling);
  return {
    name,
    shape,
    dtype: "f32",
    bytes: () => new Uint8Array(values.buffer),
    readRows: (start, count) => values.slice(start, start + count),
  };
}
