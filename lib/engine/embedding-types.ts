/** Bodies of `embeddings` in OpenAI's shapes. Fields beyond OpenAI's are marked. */
import type { NativePooling } from "../ffi/native-engine.js";

/** What becomes vectors: one text, texts, one list of token ids, or lists of them. */
export type EmbeddingInput = string | readonly string[] | readonly number[] | readonly (readonly number[])[];

/** What happens to a text that is too long: an error, or it loses tokens at its start or its end. */
export type EmbeddingTruncation = "none" | "start" | "end";

/** How texts become vectors; `null` means absent. */
export interface EmbeddingSettings {
  /** Keep the first numbers of each vector; for models trained for it (Matryoshka). */
  dimensions?: number | null | undefined;
  /** Beyond OpenAI's: which rows make the vector. Default: what the package says, else "last". */
  pooling?: NativePooling | null | undefined;
  /** Beyond OpenAI's: vectors of length 1. Default true. */
  normalize?: boolean | null | undefined;
  /** Beyond OpenAI's; the special tokens around a text stay. Default "none": ERR_CONTEXT_OVERFLOW. */
  truncate?: EmbeddingTruncation | null | undefined;
  /** Beyond OpenAI's, as in sentence-transformers: a text put before each text of the input. */
  prompt?: string | null | undefined;
  /** Instead: the name of one of the package's prompts, such as "query". */
  prompt_name?: string | null | undefined;
  /** Beyond OpenAI's: most milliseconds the call may take, then it ends with ERR_TIMEOUT. */
  timeout_ms?: number | null | undefined;
}

/** The body of a call. */
export interface EmbeddingCreateParams extends EmbeddingSettings {
  input: EmbeddingInput;
  /** Taken as it is: an engine has one model, and the answer names it. */
  model?: string | null | undefined;
  /** Default "float"; "base64" is the bytes of float32, little endian. */
  encoding_format?: "float" | "base64" | null | undefined;
  /** OpenAI's bookkeeping, without effect here. */
  user?: string | null | undefined;
}

/** A whole answer; `Vector` is a list of numbers, or base64. */
export interface CreateEmbeddingResponse<Vector = number[]> {
  object: "list";
  data: { object: "embedding"; index: number; embedding: Vector }[];
  model: string;
  usage: EmbeddingUsage;
}

/** Tokens of all inputs, those the tokenizer puts around a text and those of the prompt among them. */
export interface EmbeddingUsage {
  prompt_tokens: number;
  total_tokens: number;
}

/** Options of a call, beside its body. */
export interface EmbeddingCallOptions {
  /** Ends the call with ERR_ABORTED. */
  signal?: AbortSignal | undefined;
}
