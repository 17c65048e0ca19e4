/** The public types: overloads by `stream`, OpenAI's shapes, what must not compile. */
import { trace } from "@opentelemetry/api";
import { assertType, describe, expectTypeOf, test } from "vitest";
import {
  type ChatCompletion,
  type ChatCompletionChunk,
  type ChatCompletionCreateParams,
  type ChatCompletionStream,
  type Completion,
  type CompletionChunk,
  type CompletionStream,
  type DeviceInfo,
  devices,
  Engine,
  type EngineOptions,
  type ErrorCode,
  type GenerateOptions,
  type Generation,
  type GenerationChunk,
  type GenerationResult,
  type LogitProcessor,
  type MemoryPlan,
  MlcError,
  ModelPackage,
} from "../../lib/index.js";

declare const engine: Engine;
const messages = [{ role: "user" as const, content: "hi" }];

describe("Engine", () => {
  test("loads with known options only", () => {
    expectTypeOf(Engine.load).returns.resolves.toEqualTypeOf<Engine>();
    assertType<EngineOptions>({ threads: 2, memoryBudget: "50%", signal: new AbortController().signal });
    assertType<EngineOptions>({
      initProgressCallback: ({ progress, text }) => `${progress.toFixed()} ${text}`,
    });
    // @ts-expect-error a misspelt option
    assertType<EngineOptions>({ thread: 2 });
    // @ts-expect-error a budget is bytes or a percentage
    assertType<EngineOptions>({ memoryBudget: "4GB" });
  });

  test("takes logit processors, which do not wait", () => {
    const processor: LogitProcessor = {
      processLogits: (logits) => logits,
      processSampledToken: () => undefined,
      resetState: () => undefined,
    };
    engine.setLogitProcessorRegistry(new Map([["model", processor]]));
    assertType<EngineOptions>({ logitProcessorRegistry: new Map([["model", processor]]) });
    assertType<GenerateOptions>({ logitProcessor: processor });
    assertType<GenerateOptions>({ logitProcessor: "name" });
    // @ts-expect-error a promise is too late
    assertType<LogitProcessor>({ ...processor, processLogits: async (logits: Float32Array) => logits });
  });

  test("takes OpenTelemetry's tracers as they are", () => {
    assertType<EngineOptions>({ tracer: trace.getTracer("types") });
    // @ts-expect-error a provider is none
    assertType<EngineOptions>({ tracer: trace.getTracerProvider() });
  });

  test("is made by load only, and disposes", () => {
    // @ts-expect-error the constructor is private
    new Engine();
    expectTypeOf(engine).toExtend<AsyncDisposable>();
    expectTypeOf(engine.dispose()).resolves.toBeVoid();
    expectTypeOf(engine.plan()).toEqualTypeOf<MemoryPlan>();
    expectTypeOf(engine.stats().requests).toBeNumber();
  });

  test("generate takes text, messages or tokens", () => {
    expectTypeOf(engine.generate("hi")).toEqualTypeOf<Generation>();
    expectTypeOf(engine.generate(messages)).toEqualTypeOf<Generation>();
    expectTypeOf(engine.generate([1, 2])).toEqualTypeOf<Generation>();
    expectTypeOf(engine.generate(new Int32Array(2), { maxTokens: 3, seed: 5n })).toEqualTypeOf<Generation>();
    expectTypeOf<Generation>().toExtend<AsyncIterable<GenerationChunk>>();
    expectTypeOf(engine.generate("hi").result).resolves.toEqualTypeOf<GenerationResult>();
    // @ts-expect-error roles are OpenAI's
    engine.generate([{ role: "wizard", content: "hi" }]);
    assertType<GenerateOptions>({
      typicalP: 0.9,
      mirostat: 2,
      drySequenceBreakers: ["\n", [1, 2]],
      minTokens: 3,
    });
    // @ts-expect-error only Mirostat 2.0
    assertType<GenerateOptions>({ mirostat: 1 });
    // @ts-expect-error snake case belongs to the OpenAI bodies
    assertType<GenerateOptions>({ max_tokens: 3 });
  });

  test("tokenizes", () => {
    expectTypeOf(engine.tokenize("hi", { special: true })).toEqualTypeOf<number[]>();
    expectTypeOf(engine.detokenize(new Int32Array(1))).toBeString();
    expectTypeOf(engine.applyChatTemplate(messages)).toBeString();
    expectTypeOf(engine.score([1, 2])).resolves.toEqualTypeOf<Float32Array>();
  });
});

describe("chat.completions.create", () => {
  const { completions } = engine.chat;

  test("gives a stream for stream: true, a completion else, either for a boolean", () => {
    expectTypeOf(
      completions.create({ messages, stream: true }),
    ).resolves.toEqualTypeOf<ChatCompletionStream>();
    expectTypeOf(completions.create({ messages })).resolves.toEqualTypeOf<ChatCompletion>();
    expectTypeOf(completions.create({ messages, stream: false })).resolves.toEqualTypeOf<ChatCompletion>();
    const body: ChatCompletionCreateParams = { messages, stream: Math.random() > 0.5 };
    expectTypeOf(completions.create(body)).resolves.toEqualTypeOf<ChatCompletion | ChatCompletionStream>();
    expectTypeOf<ChatCompletionStream>().toExtend<AsyncIterable<ChatCompletionChunk> & AsyncDisposable>();
  });

  test("has OpenAI's shapes", () => {
    expectTypeOf<ChatCompletion["choices"][number]["finish_reason"]>().toEqualTypeOf<
      "stop" | "length" | "tool_calls"
    >();
    expectTypeOf<ChatCompletionChunk["choices"][number]["delta"]["content"]>().toEqualTypeOf<
      string | undefined
    >();
    // The parts of OpenAI's own declarations that callers rely on.
    expectTypeOf<ChatCompletion>().toExtend<{
      id: string;
      object: "chat.completion";
      created: number;
      model: string;
      choices: {
        index: number;
        message: { role: "assistant"; content: string | null; refusal: string | null };
      }[];
      usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
    }>();
    assertType<ChatCompletionCreateParams>({
      messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
      temperature: null,
      stop: ["a"],
    });
    // @ts-expect-error messages are required
    assertType<ChatCompletionCreateParams>({ model: "x" });
    // @ts-expect-error no such format
    assertType<ChatCompletionCreateParams>({ messages, response_format: { type: "xml" } });
    // @ts-expect-error a function has a name
    assertType<ChatCompletionCreateParams>({ messages, tools: [{ type: "function", function: {} }] });
  });
});

describe("completions.create", () => {
  test("has the same overloads", () => {
    expectTypeOf(engine.completions.create({ prompt: "x" })).resolves.toEqualTypeOf<Completion>();
    expectTypeOf(engine.completions.create({ prompt: [1], stream: true })).resolves.toEqualTypeOf<
      CompletionStream<CompletionChunk>
    >();
  });
});

describe("the rest", () => {
  test("errors, packages, devices", () => {
    expectTypeOf<MlcError["code"]>().toEqualTypeOf<ErrorCode>();
    expectTypeOf(new MlcError("ERR_IO", "x").status).toBeNumber();
    // @ts-expect-error codes are a closed set
    new MlcError("ERR_WHATEVER", "x");
    expectTypeOf(ModelPackage.open("x")).resolves.toEqualTypeOf<ModelPackage>();
    expectTypeOf(devices()).resolves.toEqualTypeOf<DeviceInfo[]>();
    const narrow = (device: DeviceInfo) =>
      device.available ? (device.type === "cpu" ? device.threads : device.features.fp16) : device.reason;
    expectTypeOf(narrow).returns.toEqualTypeOf<number | boolean | string>();
  });
});
