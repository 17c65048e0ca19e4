// The parameter list of an encoder, under the names of transformers' BertModel.
import type { EncoderConfig, EncoderName } from "./encoder-config.js";
import { matrix, type ParameterSpec, vector } from "./parameters.js";

/** The table of tokens. */
export const WORD_TABLE = "embeddings.word_embeddings.weight";

/**
 * The synthetic parameter of positions, float32 `[contextLength * hiddenSize]`: what the source adds for the position and for token
 * type 0. A vector, because rounding it would cost every row.
 */
export const POSITION_TABLE = "embeddings.positions";

/** The synthetic parameter of token types, float32 `[tokenTypes * hiddenSize]`: what the source adds for a type less that for type 0. */
export const TYPE_TABLE = "embeddings.types";

/** The two products of a classifier's head. */
const HEADS: Readonly<Record<EncoderName, { readonly dense: string; readonly output: string }>> = {
  bert: { dense: "pooler.dense", output: "classifier" },
  roberta: { dense: "classifier.dense", output: "classifier.out_proj" },
};

/** Names of the two products of a classifier's head, up to their parts. */
export function classifierNames({ architecture }: Pick<EncoderConfig, "architecture">) {
  return HEADS[architecture];
}

/** Kinds of tokens that the compiled `embed` tells apart; absent where all are of type 0. */
export function readTypes({ classifier, tokenTypes }: EncoderConfig): number | undefined {
  return classifier === undefined || tokenTypes < 2 ? undefined : tokenTypes;
}

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
  const types = readTypes(config);
  const { dense, output } = classifierNames(config);
  return [
    matrix(WORD_TABLE, vocabSize, hiddenSize),
    vector(POSITION_TABLE, contextLength * hiddenSize),
    ...(types === undefined ? [] : [vector(TYPE_TABLE, types * hiddenSize)]),
    ...norm("embeddings"),
    ...layers.flat(),
    ...(config.classifier === undefined
      ? []
      : [...linear(dense, hiddenSize, hiddenSize), ...linear(output, config.classifier.labels, hiddenSize)]),
  ];
}
