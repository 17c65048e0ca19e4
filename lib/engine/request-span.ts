/**
 * OpenTelemetry spans of requests through a tracer that the caller brings: names and attributes of the semantic conventions for
 * generative AI, https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/.
 */
import { MlcError } from "../errors.js";
import { unexpected } from "./expectation.js";
import type { GenerationEnd } from "./generation.js";
import type { SamplingParams } from "./sampling-params.js";

/** A value of a span's attribute. */
export type SpanAttribute = string | number | boolean | string[];

/** The part of OpenTelemetry's `Span` that is used. */
export interface TracerSpan {
  /** Adds attributes to those it has. */
  setAttributes(attributes: Record<string, SpanAttribute>): unknown;
  /** Whether it went well; `code` 2 is an error. */
  setStatus(status: { code: number; message?: string }): unknown;
  /** Adds an exception as an event. */
  recordException(exception: Error): void;
  /** Ends the span now. */
  end(): void;
}

/** The part of OpenTelemetry's `Tracer` that is used: `trace.getTracer("my-service")` is one. */
export interface SpanTracer {
  /** A span that begins now; `kind` is one of OpenTelemetry's SpanKind. */
  startSpan(
    name: string,
    options?: { kind?: number; attributes?: Record<string, SpanAttribute> },
  ): TracerSpan;
}

/** What a request does, in the conventions' words. */
export type SpanOperation = "chat" | "text_completion";

/** SpanKind.INTERNAL: the model runs in this process. */
const INTERNAL = 0;
/** SpanStatusCode.ERROR. */
const ERROR = 2;

/** Checks the option `tracer`. Errors: ERR_INVALID_ARGUMENT. */
export function expectTracer(value: unknown): SpanTracer | undefined {
  if (value === undefined || value === null) return undefined;
  const { startSpan } = value as { startSpan?: unknown };
  if (typeof startSpan !== "function") throw unexpected("tracer", "an OpenTelemetry Tracer", value);
  return value as SpanTracer;
}

/** The span of one request: a child of the span that is active where the request is made. */
export class RequestSpan {
  readonly #model: string;
  #span: TracerSpan | undefined;

  constructor(tracer: SpanTracer, operation: SpanOperation, model: string) {
    this.#model = model;
    const attributes = {
      "gen_ai.operation.name": operation,
      "gen_ai.provider.name": "node-mlc",
      "gen_ai.request.model": model,
    };
    attempt(() => {
      this.#span = tracer.startSpan(`${operation} ${model}`, { kind: INTERNAL, attributes });
    });
  }

  /** The request is accepted: what it asks for. */
  accepted(sampling: SamplingParams, maxTokens: number): void {
    const { frequencyPenalty, presencePenalty, temperature, topK, topP, seed, stop } = sampling;
    attempt(() =>
      this.#span?.setAttributes({
        "gen_ai.request.max_tokens": maxTokens,
        "gen_ai.request.temperature": temperature,
        "gen_ai.request.top_p": topP,
        "gen_ai.request.top_k": topK,
        "gen_ai.request.frequency_penalty": frequencyPenalty,
        "gen_ai.request.presence_penalty": presencePenalty,
        ...(Number.isSafeInteger(Number(seed)) ? { "gen_ai.request.seed": Number(seed) } : {}),
        ...(stop.length > 0 ? { "gen_ai.request.stop_sequences": [...stop] } : {}),
      }),
    );
  }

  /** Ends the span with what came of the request; what comes after the end is nothing. */
  end({ result, error }: GenerationEnd): void {
    if (result === undefined) {
      this.fail(error);
      return;
    }
    const { usage, timings, finishReason } = result;
    this.#end((span) =>
      span.setAttributes({
        "gen_ai.response.model": this.#model,
        "gen_ai.response.finish_reasons": [finishReason],
        "gen_ai.usage.input_tokens": usage.promptTokens,
        "gen_ai.usage.output_tokens": usage.completionTokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cachedTokens,
        ...seconds("node_mlc.queue_seconds", timings.queueMs),
        ...seconds("node_mlc.prefill_seconds", timings.prefillMs),
        ...seconds("node_mlc.first_token_seconds", timings.firstTokenMs),
      }),
    );
  }

  /** Ends the span with an error, also of a request that was refused. */
  fail(error: unknown): void {
    const exception = error instanceof Error ? error : new Error(String(error));
    this.#end((span) => {
      span.setAttributes({ "error.type": exception instanceof MlcError ? exception.code : exception.name });
      span.recordException(exception);
      span.setStatus({ code: ERROR, message: exception.message });
    });
  }

  #end(report: (span: TracerSpan) => void): void {
    const span = this.#span;
    this.#span = undefined;
    if (span === undefined) return;
    attempt(() => report(span));
    attempt(() => span.end());
  }
}

/** Tracers do not throw; one that does must not cost the request. */
function attempt(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    process.emitWarning(`The tracer failed: ${String(error)}`, "NodeMlcTracerWarning");
  }
}

function seconds(name: string, ms: number | undefined): Record<string, number> {
  return ms === undefined ? {} : { [name]: ms / 1000 };
}
