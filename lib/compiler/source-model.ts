// A source model with its configuration understood: the model it is, and a tensor for every parameter that model has.

import { computedTensor } from "./computed-tensor.js";
import { EncoderTensors } from "./encoder-tensors.js";
import { importModel } from "./importer/import-model.js";
import { type ImportedModel, requireTensor, type SourceTensor } from "./importer/imported-model.js";
import { isEncoder, type ModelConfig } from "./models/model-config.js";
import { type ParameterSpec, ROPE_FREQUENCIES } from "./models/parameters.js";
import { readModelConfig } from "./models/registry.js";
import { inverseFrequencies } from "./models/rope.js";
import { AlternatingRows } from "./quantization/alternating-rows.js";

export interface SourceModel {
  readonly imported: ImportedModel;
  readonly config: ModelConfig;
}

/**
 * Opens a model; the caller closes `imported`.
 * @throws MlcError what `importModel` throws, ERR_UNSUPPORTED_ARCHITECTURE, ERR_UNSUPPORTED_FIELD, ERR_INVALID_MODEL.
 */
export async function openSourceModel(source: string): Promise<SourceModel> {
  const imported = await importModel(source);
  try {
    return { imported, config: readModelConfig(imported.config) };
  } catch (error) {
    imported.close();
    throw error;
  }
}

/**
 * The source of one parameter, checked against the shape the model wants; the rotary frequencies are computed.
 * @throws MlcError ERR_MISSING_TENSOR, ERR_UNSUPPORTED_FORMAT, ERR_INVALID_MODEL for another shape.
 */
export function parameterSource({ imported, config }: SourceModel, parameter: ParameterSpec): SourceTensor {
  if (isEncoder(config)) return new EncoderTensors(imported, config).of(parameter);
  const { name, shape, alternates } = parameter;
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
  return computedTensor(name, () => values, shape);
}
