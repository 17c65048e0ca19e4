import { MlcError } from "../../errors.js";
import type { HfConfig } from "./hf-config.js";
import type { SourceTensor } from "./source-tensor.js";

export type { SourceDtype } from "./ggml-types.js";
export type { HfConfig } from "./hf-config.js";
export type { SourceTensor } from "./source-tensor.js";

/** A model read from its source: everything a package needs, weights still in the files. */
export interface ImportedModel {
  /** The configuration in the form of config.json, with the token ids of generation_config.json where it has any. */
  readonly config: HfConfig;
  /** By Hugging Face name. */
  readonly tensors: ReadonlyMap<string, SourceTensor>;
  /** Tensors of types that cannot be imported, with the type's name; an error only where one is required. */
  readonly unsupportedTensors: ReadonlyMap<string, string>;
  readonly tokenizer: TokenizerFiles;
  /** Whether the tokenizer starts a raw text with its begin-of-sequence token. */
  readonly addBos: boolean;
  /** Jinja source of the default chat template. */
  readonly chatTemplate?: string;
  readonly generation: GenerationDefaults;
  /** How texts become vectors, where the source says so. */
  readonly embedding?: EmbeddingDefaults;
  readonly source: ModelSource;
  /** Lets go of the files; tensors cannot be read afterwards. */
  close(): void;
}

/** What of an imported model comes from the tokenizer's files. */
export type ImportedTokenizer = Pick<ImportedModel, "tokenizer" | "addBos" | "chatTemplate">;

/** File name to text; empty for a model without a tokenizer (token ids in, token ids out). */
export type TokenizerFiles = Readonly<Record<string, string>>;

/** The model's own sampling defaults; what is absent is left to the engine. */
export interface GenerationDefaults {
  /** 0 is greedy. */
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly repetitionPenalty?: number;
}

/** Which rows of a text make its vector. */
export type Pooling = "mean" | "cls" | "last";

/** How the model embeds texts. */
export interface EmbeddingDefaults {
  readonly pooling: Pooling;
  /** Most tokens of a text, where it is less than the context. */
  readonly maxTokens?: number;
  /** Texts that go before a text, by name. */
  readonly prompts?: Readonly<Record<string, string>>;
  /** The prompt that is used unless another is asked for. */
  readonly defaultPrompt?: string;
}

/** Where a model came from. */
export interface ModelSource {
  readonly kind: "huggingface" | "gguf";
  /** The folder or file, absolute. */
  readonly path: string;
  readonly name: string;
  /** Commit of the source, where its path tells. */
  readonly revision?: string;
  /** The licence as the source names it, usually an SPDX identifier. */
  readonly license?: string;
  /** Absolute paths of licence and notice files. */
  readonly licenseFiles: readonly string[];
}

/**
 * The tensor of a name, checked against the shape the architecture wants.
 * Errors: ERR_MISSING_TENSOR, ERR_UNSUPPORTED_FORMAT for a type that cannot be imported, ERR_INVALID_MODEL for another shape.
 */
export function requireTensor(
  model: Pick<ImportedModel, "tensors" | "unsupportedTensors" | "source">,
  name: string,
  shape?: readonly number[],
): SourceTensor {
  const where = model.source.path;
  const tensor = model.tensors.get(name);
  if (tensor === undefined) {
    const dtype = model.unsupportedTensors.get(name);
    throw dtype === undefined
      ? new MlcError(
          "ERR_MISSING_TENSOR",
          `Expected the tensor ${name} in ${where} but there is none of that name.`,
          {
            details: { tensor: name },
          },
        )
      : new MlcError(
          "ERR_UNSUPPORTED_FORMAT",
          `Expected float or ggml block data for the tensor ${name} of ${where} but received ${dtype}.`,
          { details: { tensor: name, dtype } },
        );
  }
  if (shape !== undefined && shape.join() !== tensor.shape.join())
    throw new MlcError(
      "ERR_INVALID_MODEL",
      `Expected the shape [${shape.join(", ")}] for the tensor ${name} of ${where} but received [${tensor.shape.join(", ")}]: configuration and weights do not belong together.`,
      { details: { tensor: name, expected: shape, received: tensor.shape } },
    );
  return tensor;
}
