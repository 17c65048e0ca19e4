import type { ArchitectureName, DecoderConfig } from "./decoder-config.js";
import type { EncoderName } from "./encoder-config.js";
import type { ModelConfig } from "./model-config.js";

/** A Hugging Face `config.json`, parsed but not yet checked. */
export type HuggingFaceConfig = Readonly<Record<string, unknown>>;

/** What one family of checkpoints is called, and how its configuration reads. */
export interface Architecture<Config extends ModelConfig = DecoderConfig> {
  readonly name: ArchitectureName | EncoderName;
  /** `model_type` values of config.json. */
  readonly modelTypes: readonly string[];
  /** `architectures` values of config.json. */
  readonly classNames: readonly string[];
  /** Reads config.json; a field this compiler would have to ignore is an error, never dropped. */
  fromHuggingFace(config: HuggingFaceConfig): Config;
}
