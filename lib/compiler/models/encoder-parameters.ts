// The parameter list of an encoder, under the names of transformers' BertModel.
import type { EncoderConfig } from "./encoder-config.js";
import { matrix, type ParameterSpec, vector } from "./parameters.js";

/** The table of tokens. */
export const WORD_TABLE = "embeddings.word_embeddings.weight";

/**
 * The synthetic parameter of positions, float32 `[contextLength * hiddenSize]`: what the source adds for the position and for token
 * type 0. A vector, because rounding it would cost every row.
 */
export const POSITION_TABLE = "embeddings.positions";

/** Name of a layer's parameters up to its parts. */
export function encoderLayerPrefix(layer: number): string {
  return `encoder.layer.${layer}`;
}

/** The parameters of an encoder in the order of its package and of the compiled functions' `params` array. */
export function encoderParameters(config: EncoderConfig): ParameterSpec[] {
  const { hiddenSize, intermediateSize, vocabSize, contextLength } = config;
  const linear = (name: string, outputs: number, inputs: number) => [
    matrix(`${name}.weight`, outputs, inputs),
    vector(`${name}.bias`, outputs),
  ];
  const norm = (name: string) => [
    vector(`${name}.LayerNorm.weight`, hiddenSize),
    vector(`${name}.LayerNorm.bias`, hiddenSize),
  ];
  const layers = Array.from({ length: config.layers }, (_, layer) => {
    const prefix = encoderLayerPrefix(layer);
    return [
      ...["query", "key", "value"].flatMap((name) =>
        linear(`${prefix}.attention.self.${name}`, hiddenSize, hiddenSize),
      ),
      ...linear(`${prefix}.attention.output.dense`, hiddenSize, hiddenSize),
      ...norm(`${prefix}.attention.output`),
      ...linear(`${prefix}.intermediate.dense`, intermediateSize, hiddenSize),
      ...linear(`${prefix}.output.dense`, hiddenSize, intermediateSize),
      ...norm(`${prefix}.output`),
    ];
  });
  return [
    matrix(WORD_TABLE, vocabSize, hiddenSize),
    vector(POSITION_TABLE, contextLength * hiddenSize),
    ...norm("embeddings"),
    ...layers.flat(),
  ];
}
