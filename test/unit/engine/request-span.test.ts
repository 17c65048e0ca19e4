/** Spans of requests, as OpenTelemetry's own SDK records them. */
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { expectTracer, type SpanTracer } from "../../../lib/engine/request-span.js";
import { END, fakeEngine, textScript } from "../../support/fake-engine.js";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer("test");

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
});
afterAll(() => context.disable());
beforeEach(() => exporter.reset());

const spans = () => exporter.getFinishedSpans();

describe("a request", () => {
  it("is a span named and described as the semantic conventions have it", async () => {
    const { engine } = await fakeEngine(textScript("ok"), { tracer });
    const messages = [{ role: "user", content: "hi" }] as const;
    await engine.generate(messages, { temperature: 0.5, topP: 0.9, seed: 7, stop: ["x"], maxTokens: 9 })
      .result;
    const [span] = spans();
    expect(span?.name).toBe("chat fake");
    expect(span?.kind).toBe(SpanKind.INTERNAL);
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
    expect(span?.attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "node-mlc",
      "gen_ai.request.model": "fake",
      "gen_ai.request.max_tokens": 9,
      "gen_ai.request.temperature": 0.5,
      "gen_ai.request.top_p": 0.9,
      "gen_ai.request.seed": 7,
      "gen_ai.request.stop_sequences": ["x"],
      "gen_ai.response.model": "fake",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.usage.output_tokens": 3,
    });
    expect(span?.attributes["gen_ai.usage.input_tokens"]).toBeGreaterThan(5);
    expect(span?.attributes["node_mlc.first_token_seconds"]).toBeGreaterThan(0);
  });

  it("is a child of the span that is active where it is made, each answer one", async () => {
    const { engine } = await fakeEngine(textScript("ok"), { tracer });
    const parent = tracer.startSpan("caller");
    await context.with(trace.setSpan(context.active(), parent), () =>
      engine.completions.create({ prompt: "a", n: 2 }),
    );
    expect(spans().map(({ name }) => name)).toEqual(["text_completion fake", "text_completion fake"]);
    for (const span of spans()) expect(span.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  });

  it.each([
    ["is refused", 1, { overflow: "drop" }, "ERR_INVALID_ARGUMENT"],
    ["takes too long", 1, { timeoutMs: 1 }, "ERR_TIMEOUT"],
  ])("that %s is a span with that error", async (_what, length, options, code) => {
    const { engine, native } = await fakeEngine(textScript("ok"), { tracer });
    native.hold = true;
    const run = async () => engine.generate("a".repeat(length), options as never).result;
    await expect(run()).rejects.toMatchObject({ code });
    expect(spans()).toHaveLength(1);
    const [span] = spans();
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
    expect(span?.attributes["error.type"]).toBe(code);
    expect(span?.events[0]?.attributes?.["exception.message"]).toMatch(/^Expected/);
  });

  it("that its caller ends has the finish reason of it", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"), { tracer });
    native.hold = true;
    const generation = engine.generate("a");
    generation.abort();
    await generation.result;
    expect(spans()[0]?.attributes["gen_ai.response.finish_reasons"]).toEqual(["abort"]);
  });
});

it("a tracer that throws costs a warning, and not the request", async () => {
  const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const fail = (): never => {
    throw new Error("full");
  };
  const broken = { setAttributes: fail, setStatus: fail, recordException: fail, end: fail };
  for (const failing of [{ startSpan: fail }, { startSpan: () => broken }] satisfies SpanTracer[]) {
    const { engine } = await fakeEngine(() => [{ tokens: [65] }, { tokens: [END], finish: "stop" }], {
      tracer: failing,
    });
    expect((await engine.generate("a").result).text).toBe("A");
    expect(warned.mock.calls.at(-1)?.[0]).toContain("full");
  }
  warned.mockRestore();
});

it("the option is a tracer", () => {
  expect(expectTracer(undefined)).toBeUndefined();
  expect(() => expectTracer({})).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
});
