/** The model-specific parts of a tokenizer.json. */
export interface TokenizerParts {
  readonly normalizer: unknown;
  readonly preTokenizer: unknown;
  readonly decoder: unknown;
  readonly model: unknown;
  /** Whether llama.cpp adds a begin-of-sequence token where the file does not say. */
  readonly addBos: boolean;
}
