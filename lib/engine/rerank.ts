/** Documents in the order in which they fit a query, in the shape that Cohere, Jina and vLLM share: by their embeddings. */
import { randomUUID } from "node:crypto";
import type { TextEmbedder } from "./embedding.js";
import { type EmbeddingText, MOST_TEXTS, tooMany } from "./embedding-input.js";
import { sidePromptText } from "./embedding-prompts.js";
import type { EmbeddingCallOptions, EmbeddingTruncation, EmbeddingUsage } from "./embedding-types.js";
import { checkFields } from "./embeddings.js";
import { expectBoolean, expectInteger, expectKnownNames, expectText, unexpected } from "./expectation.js";

/** The body of a call. `null` means absent. */
export interface RerankParams {
  query: string;
  documents: readonly (string | { readonly text: string })[];
  /** Most results; default: all documents. */
  top_n?: number | null | undefined;
  /** Whether results have the documents' texts. Default true. */
  return_documents?: boolean | null | undefined;
  /** Taken as it is: an engine has one model, and the answer names it. */
  model?: string | null | undefined;
  /** As in embeddings. */
  truncate?: EmbeddingTruncation | null | undefined;
  /** Most milliseconds the call may take, then it ends with ERR_TIMEOUT. */
  timeout_ms?: number | null | undefined;
}

/** One document. */
export interface RerankResult {
  /** Its place in `documents`. */
  index: number;
  /** Cosine of the angle between the embeddings of query and document: -1 to 1, more is better. */
  relevance_score: number;
  document?: { text: string };
}

/** A whole answer: the best result first, of equals the one that came first. */
export interface RerankResponse {
  id: string;
  model: string;
  results: RerankResult[];
  usage: EmbeddingUsage;
}

const FIELDS: readonly string[] = [
  "query",
  "documents",
  "top_n",
  "return_documents",
  "model",
  "truncate",
  "timeout_ms",
] satisfies (keyof RerankParams)[];

/**
 * Ranks documents. Errors: those of `embeddings.create`.
 */
export async function rerank(
  embedder: TextEmbedder,
  body: RerankParams,
  { signal }: EmbeddingCallOptions,
): Promise<RerankResponse> {
  checkFields(body, FIELDS);
  const query = expectText("query", body.query);
  const documents = textsOfDocuments(body.documents);
  const most = expectInteger("top_n", body.top_n ?? documents.length, 1, Number.MAX_SAFE_INTEGER);
  const withTexts = expectBoolean("return_documents", body.return_documents ?? true);
  const { manifest } = embedder;
  const documentPrompt = sidePromptText(manifest, "document");
  const texts: EmbeddingText[] = [
    { name: "query", content: query, prompt: sidePromptText(manifest, "query") },
    ...documents.map((text) => ({ ...text, prompt: documentPrompt })),
  ];
  const { truncate, timeout_ms } = body;
  const { vectors, tokens } = await embedder.embed(texts, { truncate, timeout_ms, signal });
  const [asked = new Float32Array(), ...answers] = vectors;
  const results = answers
    .map((vector, index) => ({ index, relevance_score: cosine(asked, vector) }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, most);
  return {
    id: `rerank-${randomUUID()}`,
    model: manifest.model.name,
    results: withTexts
      ? results.map((result) => ({ ...result, document: { text: documents[result.index]?.content ?? "" } }))
      : results,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function textsOfDocuments(documents: unknown): { name: string; content: string }[] {
  if (!Array.isArray(documents) || documents.length === 0)
    throw unexpected("documents", "a list of texts", documents);
  // The query is a text of the call too.
  if (documents.length >= MOST_TEXTS) throw tooMany("documents", MOST_TEXTS - 1, documents.length);
  return documents.map((document: unknown, index) => {
    const name = `documents[${index}]`;
    if (typeof document !== "object" || document === null)
      return { name, content: expectText(name, document) };
    expectKnownNames(name, document, ["text"]);
    return {
      name: `${name}.text`,
      content: expectText(`${name}.text`, (document as { text?: unknown }).text),
    };
  });
}

/** Of vectors of length 1 (or 0). */
function cosine(a: Float32Array, b: Float32Array): number {
  const product = a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
  // Rounding may give a little more.
  return Math.min(1, Math.max(-1, product));
}
