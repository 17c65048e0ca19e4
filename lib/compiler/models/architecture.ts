import type { ArchitectureName, DecoderConfig } from "./decoder-config.js";

/** A Hugging Face `config.json`, parsed but not yet checked. */
export type HuggingFaceConfig = Readonly<Record<string, unknown>>;

/** What one family of checkpoints is called, and how its configuration reads. */
export interface Architecture {
  readonly name: ArchitectureName;
  /** `model_type` values of config.json. */
  readonly modelTypes: readonly string[];
  /** `architectures` values of config.json. */
  readonly classNames: readonly string[];
  /** Reads config.json; a field this compiler would have to ignore is an error, never dropped. */
  fromHuggingFace(config: HuggingFaceConfig): DecoderConfig;
}
