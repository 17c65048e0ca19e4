/** Documents in the order in which they fit a query, in the shape that Cohere, Jina and vLLM share: by a cross-encoder, or by their embeddings. */
import { randomUUID } from "node:crypto";
import type { ScoredTexts, TextEmbedder } from "./embedding.js";
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
  /** As in embeddings. A cross-encoder cuts the document, and by default at its end. */
  truncate?: EmbeddingTruncation | null | undefined;
  /** Most milliseconds the call may take, then it ends with ERR_TIMEOUT. */
  timeout_ms?: number | null | undefined;
}

/** One document. */
export interface RerankResult {
  /** Its place in `documents`. */
  index: number;
  /**
   * Cosine of the angle between the embeddings of query and document, -1 to 1; of a cross-encoder the probability that they match, 0
   * to 1, or its logit where the model asks for it. More is better.
   */
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
 * Ranks documents. Errors: those of `embeddings.create`, but for a cross-encoder.
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
  const { scores, tokens } = await scoresOf(embedder, query, documents, { ...body, signal });
  const results = scores
    .map((score, index) => ({ index, relevance_score: score }))
    .sort((a, b) => b.relevance_score - a.relevance_score)
    .slice(0, most);
  return {
    id: `rerank-${randomUUID()}`,
    model: embedder.manifest.model.name,
    results: withTexts
      ? results.map((result) => ({ ...result, document: { text: documents[result.index]?.content ?? "" } }))
      : results,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** By the head of a cross-encoder, else by the cosine of embeddings. */
async function scoresOf(
  embedder: TextEmbedder,
  query: string,
  documents: readonly { readonly name: string; readonly content: string }[],
  { truncate, timeout_ms, signal }: Pick<RerankParams, "truncate" | "timeout_ms"> & EmbeddingCallOptions,
): Promise<ScoredTexts> {
  const { manifest } = embedder;
  const options = { truncate, timeout_ms, signal };
  if (manifest.ranking !== undefined) return embedder.score(query, documents, manifest.ranking, options);
  const documentPrompt = sidePromptText(manifest, "document");
  const texts: EmbeddingText[] = [
    { name: "query", content: query, prompt: sidePromptText(manifest, "query") },
    ...documents.map((text) => ({ ...text, prompt: documentPrompt })),
  ];
  const { vectors, tokens } = await embedder.embed(texts, options);
  const [asked = new Float32Array(), ...answers] = vectors;
  return { scores: answers.map((vector) => cosine(asked, vector)), tokens };
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
