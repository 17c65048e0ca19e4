/** `engine.embeddings`: OpenAI's embeddings. */
import { endianness } from "node:os";
import { MlcError } from "../errors.js";
import type { TextEmbedder } from "./embedding.js";
import { textsOf } from "./embedding-input.js";
import { promptText } from "./embedding-prompts.js";
import type {
  CreateEmbeddingResponse,
  EmbeddingCallOptions,
  EmbeddingCreateParams,
} from "./embedding-types.js";
import { shown, unexpected } from "./expectation.js";

const FIELDS: readonly string[] = [
  "input",
  "model",
  "encoding_format",
  "dimensions",
  "user",
  "pooling",
  "normalize",
  "truncate",
  "prompt",
  "prompt_name",
  "timeout_ms",
] satisfies (keyof EmbeddingCreateParams)[];

/** OpenAI's `embeddings`: texts become vectors. */
export class Embeddings {
  readonly #embedder: TextEmbedder;

  constructor(embedder: TextEmbedder) {
    this.#embedder = embedder;
  }

  /**
   * One vector of each text, in their order.
   * Errors: ERR_INVALID_ARGUMENT naming the place, ERR_UNSUPPORTED_FIELD, ERR_CONTEXT_OVERFLOW, ERR_INSUFFICIENT_MEMORY,
   * ERR_ENGINE_OVERLOADED, ERR_ABORTED, ERR_TIMEOUT, ERR_DISPOSED.
   */
  create(
    body: EmbeddingCreateParams & { encoding_format: "base64" },
    options?: EmbeddingCallOptions,
  ): Promise<CreateEmbeddingResponse<string>>;
  create(
    body: EmbeddingCreateParams & { encoding_format?: "float" | null | undefined },
    options?: EmbeddingCallOptions,
  ): Promise<CreateEmbeddingResponse>;
  create(
    body: EmbeddingCreateParams,
    options?: EmbeddingCallOptions,
  ): Promise<CreateEmbeddingResponse<number[] | string>>;
  async create(
    body: EmbeddingCreateParams,
    { signal }: EmbeddingCallOptions = {},
  ): Promise<CreateEmbeddingResponse<number[] | string>> {
    checkFields(body, FIELDS);
    const format = body.encoding_format ?? "float";
    if (format !== "float" && format !== "base64")
      throw unexpected("encoding_format", '"float" or "base64"', format);
    const texts = textsOf(body.input, promptText(this.#embedder.manifest, body));
    const { vectors, tokens } = await this.#embedder.embed(texts, { ...body, signal });
    return {
      object: "list",
      data: vectors.map((vector, index) => ({
        object: "embedding",
        index,
        embedding: format === "base64" ? base64(vector) : [...vector],
      })),
      model: this.#embedder.manifest.model.name,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    };
  }
}

/** Refuses fields that are not known. Errors: ERR_INVALID_ARGUMENT, ERR_UNSUPPORTED_FIELD. */
export function checkFields(body: unknown, fields: readonly string[]): void {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw unexpected("the request", "an object", body);
  for (const [field, value] of Object.entries(body)) {
    if (value === undefined || value === null) continue;
    if (!fields.includes(field))
      throw new MlcError(
        "ERR_UNSUPPORTED_FIELD",
        `Expected no ${field} but received ${shown(value)}: it is not supported, remove it.`,
        { details: { field } },
      );
    if ((field === "model" || field === "user") && typeof value !== "string")
      throw unexpected(field, "a string", value);
  }
}

/** The numbers as float32 in little endian, which is what OpenAI's clients read. */
function base64(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return (endianness() === "LE" ? bytes : Buffer.from(bytes).swap32()).toString("base64");
}
