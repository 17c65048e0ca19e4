/** Embeddings and ranking for Vercel's AI SDK. */
import type {
  EmbeddingModelV4,
  RerankingModelV4,
  RerankingModelV4CallOptions,
  SharedV4Warning,
} from "@ai-sdk/provider";
import { MOST_TEXTS } from "../engine/embedding-input.js";
import type { EmbeddingCreateParams } from "../engine/embedding-types.js";
import type { Engine } from "../engine/engine.js";
import type { RerankParams } from "../engine/rerank.js";
import { PROVIDER } from "./ai-sdk-request.js";

/**
 * The engine as an embedding model of the AI SDK (specification v4): `embed({ model: embeddingModel(engine), value })`.
 * `providerOptions: { "node-mlc": { prompt_name: "query" } }` sets fields beyond the SDK's.
 */
export function embeddingModel(engine: Engine): EmbeddingModelV4 {
  return {
    specificationVersion: "v4",
    provider: PROVIDER,
    modelId: engine.manifest.model.name,
    maxEmbeddingsPerCall: MOST_TEXTS,
    supportsParallelCalls: true,
    async doEmbed({ values, dimensions, abortSignal: signal, providerOptions }) {
      const body = { input: values, dimensions, ...providerOptions?.[PROVIDER] } as EmbeddingCreateParams;
      const { data, usage } = await engine.embeddings.create(
        { ...body, encoding_format: "float" },
        { signal },
      );
      return {
        embeddings: data.map(({ embedding }) => embedding),
        usage: { tokens: usage.prompt_tokens },
        warnings: [],
      };
    },
  };
}

/** The engine as a reranking model of the AI SDK: `rerank({ model: rerankingModel(engine), query, documents })`. */
export function rerankingModel(engine: Engine): RerankingModelV4 {
  return {
    specificationVersion: "v4",
    provider: PROVIDER,
    modelId: engine.manifest.model.name,
    async doRerank({ query, documents, topN, abortSignal: signal, providerOptions }) {
      const { texts, warnings } = textsOf(documents);
      const extras = providerOptions?.[PROVIDER] as Partial<RerankParams> | undefined;
      const body = { query, documents: texts, top_n: topN, return_documents: false, ...extras };
      const { id, model, results } = await engine.rerank(body, { signal });
      return {
        ranking: results.map(({ index, relevance_score }) => ({ index, relevanceScore: relevance_score })),
        warnings,
        response: { id, modelId: model },
      };
    },
  };
}

function textsOf({ type, values }: RerankingModelV4CallOptions["documents"]): {
  texts: string[];
  warnings: SharedV4Warning[];
} {
  if (type === "text") return { texts: values, warnings: [] };
  const details = "Objects are ranked by their JSON.";
  return {
    texts: values.map((value) => JSON.stringify(value)),
    warnings: [{ type: "compatibility", feature: "object documents", details }],
  };
}
