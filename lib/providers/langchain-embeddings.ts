/** Embeddings for LangChain.js. */
import { Embeddings, type EmbeddingsParams } from "@langchain/core/embeddings";
import { MOST_TEXTS } from "../engine/embedding-input.js";
import { sidePromptText } from "../engine/embedding-prompts.js";
import type { EmbeddingSettings } from "../engine/embedding-types.js";
import type { Engine } from "../engine/engine.js";

/** What embeddings are made of: a loaded engine, and fields of every call but the prompts. */
export interface NodeMlcEmbeddingsParams extends EmbeddingsParams {
  readonly engine: Engine;
  readonly fields?: Omit<EmbeddingSettings, "prompt" | "prompt_name"> | undefined;
}

/**
 * The engine's embeddings: `new NodeMlcEmbeddings({ engine })`, for vector stores and retrievers. Queries and documents have the
 * package's prompts of the two sides before them. Errors are the engine's. The engine stays its owner's.
 */
export class NodeMlcEmbeddings extends Embeddings {
  readonly #engine: Engine;
  readonly #fields: NonNullable<NodeMlcEmbeddingsParams["fields"]>;

  constructor({ engine, fields = {}, ...params }: NodeMlcEmbeddingsParams) {
    super(params);
    this.#engine = engine;
    this.#fields = fields;
  }

  override async embedDocuments(documents: string[]): Promise<number[][]> {
    const vectors: number[][] = [];
    for (let at = 0; at < documents.length; at += MOST_TEXTS)
      vectors.push(...(await this.#embed("document", documents.slice(at, at + MOST_TEXTS))));
    return vectors;
  }

  override async embedQuery(query: string): Promise<number[]> {
    const [vector = []] = await this.#embed("query", [query]);
    return vector;
  }

  async #embed(side: "query" | "document", input: readonly string[]): Promise<number[][]> {
    const prompt = sidePromptText(this.#engine.manifest, side);
    const { data } = await this.#engine.embeddings.create({ ...this.#fields, input, prompt });
    return data.map(({ embedding }) => embedding);
  }
}
