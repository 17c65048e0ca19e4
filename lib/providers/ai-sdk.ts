/** A loaded model for Vercel's AI SDK: "node-mlc/ai-sdk". */
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from "@ai-sdk/provider";
import type { Engine } from "../engine/engine.js";
import { AnswerParts, contentOf, finishReasonOf, usageOf } from "./ai-sdk-answer.js";
import { chatBodyOf, PROVIDER } from "./ai-sdk-request.js";

export { embeddingModel, rerankingModel } from "./ai-sdk-embedding.js";

/**
 * The engine as a language model of the AI SDK (specification v4): `generateText({ model: languageModel(engine), prompt })`.
 * Text, thoughts, tools and objects work as in the engine's chat API; files are refused with ERR_UNSUPPORTED_FIELD, tools that only a provider
 * could run are left out with a warning. `providerOptions: { "node-mlc": { min_p: 0.1 } }` sets fields beyond the SDK's.
 */
export function languageModel(engine: Engine): LanguageModelV4 {
  return {
    specificationVersion: "v4",
    provider: PROVIDER,
    modelId: engine.manifest.model.name,
    supportedUrls: {},
    doGenerate: (options) => generate(engine, options),
    doStream: (options) => stream(engine, options),
  };
}

const signalOf = ({ abortSignal }: LanguageModelV4CallOptions) =>
  abortSignal === undefined ? {} : { signal: abortSignal };

async function generate(
  engine: Engine,
  options: LanguageModelV4CallOptions,
): Promise<LanguageModelV4GenerateResult> {
  const { body, warnings } = chatBodyOf(options);
  const completion = await engine.chat.completions.create({ ...body, stream: false }, signalOf(options));
  const [choice] = completion.choices;
  return {
    content: choice === undefined ? [] : contentOf(choice.message),
    finishReason: finishReasonOf(choice?.finish_reason),
    usage: usageOf(completion.usage),
    warnings,
    request: { body },
    response: {
      id: completion.id,
      modelId: completion.model,
      timestamp: new Date(completion.created * 1000),
    },
  };
}

async function stream(
  engine: Engine,
  options: LanguageModelV4CallOptions,
): Promise<LanguageModelV4StreamResult> {
  const { body, warnings } = chatBodyOf(options);
  const request = { ...body, stream: true as const, stream_options: { include_usage: true } };
  const chunks = await engine.chat.completions.create(request, signalOf(options));
  async function* parts(): AsyncGenerator<LanguageModelV4StreamPart, void, undefined> {
    yield { type: "stream-start", warnings };
    const answer = new AnswerParts();
    let begun = false;
    try {
      for await (const chunk of chunks) {
        if (!begun) {
          const timestamp = new Date(chunk.created * 1000);
          yield { type: "response-metadata", id: chunk.id, modelId: chunk.model, timestamp };
        }
        begun = true;
        if (options.includeRawChunks === true) yield { type: "raw", rawValue: chunk };
        yield* answer.take(chunk);
      }
      yield* answer.end();
    } catch (error) {
      yield { type: "error", error };
    }
  }
  return { stream: ReadableStream.from(parts()), request: { body } };
}
