/** A recording of steps and requests as a Trace Event file, which Perfetto and chrome://tracing open. */
import type { NativeTrace } from "../ffi/native-engine.js";

/** One event of the Trace Event Format; times in microseconds since the start of the recording. */
export interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  /** X: a span of a track; b, e: begin and end of an asynchronous one; M: a name. */
  readonly ph: "X" | "b" | "e" | "M";
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  /** Of asynchronous spans: the request. */
  readonly id?: number;
  readonly args?: Readonly<Record<string, number | string>>;
}

/** The JSON object form of the format. */
export interface EngineTrace {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: "ms";
  /** How long the recording was, and what did not fit into it. */
  readonly otherData: {
    readonly durationMs: number;
    readonly droppedSteps: number;
    readonly droppedSpans: number;
  };
}

/** Steps and spans that are kept unless asked otherwise: the last ones, some megabytes. */
export const DEFAULT_TRACE_LIMIT = 65_536;

const PROCESS = 1;
const STEP_TRACK = 1;
const STEP_FIELDS = 6;
const SPAN_FIELDS = 7;
const PHASES = ["request", "queued", "prefill", "decode", "preempted"] as const;
const OUTCOMES = ["running", "stop", "length", "abort", "error"] as const;

/** The recording as trace events. */
export function traceEvents(trace: NativeTrace): EngineTrace {
  const { durationMs, droppedSteps, droppedSpans } = trace;
  return {
    traceEvents: [
      named("process_name", "node-mlc engine"),
      named("thread_name", "steps"),
      ...records(trace.steps, STEP_FIELDS).flatMap(stepEvents),
      ...requestEvents(records(trace.spans, SPAN_FIELDS)),
    ],
    displayTimeUnit: "ms",
    otherData: { durationMs, droppedSteps, droppedSpans },
  };
}

function named(name: "process_name" | "thread_name", text: string): TraceEvent {
  return { name, cat: "__metadata", ph: "M", ts: 0, pid: PROCESS, tid: STEP_TRACK, args: { name: text } };
}

function records(values: Float64Array, fields: number): Float64Array[] {
  return Array.from({ length: values.length / fields }, (_, index) =>
    values.subarray(index * fields, (index + 1) * fields),
  );
}

/** A step and its two parts: the model's functions, and sampling. */
function stepEvents(record: Float64Array): TraceEvent[] {
  const [start = 0, forward = 0, sampling = 0, sequences = 0, prefillRows = 0, decodeRows = 0] = record;
  const span = (name: string, from: number, ms: number, args?: TraceEvent["args"]): TraceEvent => ({
    name,
    cat: "step",
    ph: "X",
    ts: from * 1000,
    dur: ms * 1000,
    pid: PROCESS,
    tid: STEP_TRACK,
    ...(args === undefined ? {} : { args }),
  });
  return [
    span("step", start, forward + sampling, { sequences, prefillRows, decodeRows }),
    span("forward", start, forward),
    span("sampling", start + forward, sampling),
  ];
}

/** The spans of each request inside the one of the whole: viewers nest them by their order. */
function requestEvents(spans: readonly Float64Array[]): TraceEvent[] {
  const requests = new Map<number, { begin: TraceEvent[]; phases: TraceEvent[]; end: TraceEvent[] }>();
  for (const span of spans) {
    const [id = 0, phase] = span;
    const request = requests.get(id) ?? { begin: [], phases: [], end: [] };
    requests.set(id, request);
    const [begin, end] = spanEvents(span);
    if (phase === 0) {
      request.begin.push(begin);
      request.end.push(end);
    } else request.phases.push(begin, end);
  }
  return [...requests.values()].flatMap(({ begin, phases, end }) => [...begin, ...phases, ...end]);
}

/** A request, or a phase of it, on the request's own track: its begin and its end. */
function spanEvents(record: Float64Array): [TraceEvent, TraceEvent] {
  const [id = 0, phase = 0, start = 0, end = 0, promptTokens = 0, answerTokens = 0, outcome = 0] = record;
  const name = PHASES[phase] ?? "request";
  const common = { name, cat: "request", pid: PROCESS, tid: STEP_TRACK, id };
  const ended = name === "request" ? { outcome: OUTCOMES[outcome] ?? "running" } : {};
  return [
    { ...common, ph: "b", ts: start * 1000, args: { promptTokens, answerTokens, ...ended } },
    { ...common, ph: "e", ts: end * 1000 },
  ];
}
