/** A native engine without a model: it plays what a script says. */
import type { EngineDevice } from "../engine/device-choice.js";
import { MlcError } from "../errors.js";
import type {
  NativeEngine,
  NativeEvent,
  NativeHistogram,
  NativePooling,
  NativeRequest,
  NativeTrace,
} from "../ffi/native-engine.js";
import { END, HIDDEN, VOCABULARY } from "./byte-model.js";

/** Where a scripted engine "runs". */
export const SCRIPTED_DEVICE: EngineDevice = { type: "cpu", index: 0, name: "scripted", reason: "asked for" };

/** What a request does: the events it reports, one a step; a function may choose by the request. */
export type Script = (request: NativeRequest) => readonly Omit<NativeEvent, "id">[];

/** Events of a text: one byte token a step, then the end token. */
export function textScript(text: string, finish: "stop" | "length" = "stop"): Script {
  return () => {
    const bytes = [...new TextEncoder().encode(text)].map((token) => ({ tokens: [token] }));
    return finish === "stop" ? [...bytes, { tokens: [END], finish }] : [...bytes, { tokens: [], finish }];
  };
}

function emptyHistogram(): NativeHistogram {
  return { bounds: new Float64Array(), counts: new Float64Array(1), count: 0, sum: 0 };
}

/** How often each token stands in a text, by the token's number modulo the length: alike texts have alike vectors. */
function countVector(text: Int32Array): number[] {
  const vector = new Array<number>(HIDDEN).fill(0);
  for (const token of text) vector[token % HIDDEN] = (vector[token % HIDDEN] ?? 0) + 1;
  return vector;
}

/** A native engine that plays a script, one step each turn of the event loop, and records what it is told. */
export class ScriptedNativeEngine implements NativeEngine {
  readonly requests: NativeRequest[] = [];
  readonly aborted: number[] = [];
  readonly replies: { id: number; logits: Float32Array }[] = [];
  /** Calls of embed(). */
  readonly embedded: { id: number; texts: number[][]; pooling: NativePooling }[] = [];
  /** Time of one of them in milliseconds; at first that of a step. */
  embedMs: number;
  /** What useVocabulary was given. */
  readonly vocabularies: { bytes: Uint8Array; lengths: Int32Array; stopTokens: Int32Array }[] = [];
  /** Requests that count as not begun; all others start at once. */
  readonly queued = new Set<number>();
  /** Tokens that are pinned, by id. */
  readonly pinned = new Map<number, number[]>();
  /** What writePrefix was given last. */
  written: { tokens: number[]; data: number[] } | undefined;
  disposed = false;
  /** Steps played in all; `hold` stops the play before the next one. */
  steps = 0;
  hold = false;
  readonly #stepMs: number;
  readonly #script: Script;
  readonly #onEvents: (events: readonly NativeEvent[]) => void;
  #scheduled = false;
  readonly #queues = new Map<number, Omit<NativeEvent, "id">[]>();

  /** `stepMs`: time between two steps; 0: one each turn of the event loop. */
  constructor(script: Script, onEvents: (events: readonly NativeEvent[]) => void, stepMs = 0) {
    this.#stepMs = stepMs;
    this.embedMs = stepMs;
    this.#script = script;
    this.#onEvents = onEvents;
  }

  submit(request: NativeRequest): void {
    if (this.disposed) throw new MlcError("ERR_DISPOSED", "disposed");
    this.requests.push(request);
    this.#queues.set(request.id, [...this.#script(request)]);
    this.#schedule();
  }

  abort(id: number): void {
    this.aborted.push(id);
    if (!this.#queues.delete(id)) return;
    setImmediate(() => this.#onEvents([{ id, tokens: [], finish: "abort" }]));
  }

  abortIfQueued(id: number): void {
    if (this.queued.has(id)) this.abort(id);
  }

  replyLogits(id: number, logits: Float32Array): void {
    this.replies.push({ id, logits });
  }

  /** Goes on after `hold`. */
  resume(): void {
    this.hold = false;
    this.#schedule();
  }

  useVocabulary(bytes: Uint8Array, lengths: Int32Array, stopTokens: Int32Array): void {
    this.vocabularies.push({ bytes, lengths, stopTokens });
  }

  async matchGrammar(_: unknown, texts: readonly Int32Array[]): Promise<Int32Array> {
    return Int32Array.from(texts, (text) => text.length + 1);
  }

  async evaluate(rows: readonly Int32Array[]): Promise<Float32Array> {
    return new Float32Array(rows.length * (rows[0]?.length ?? 0) * VOCABULARY);
  }

  /** Vectors that depend on the text only, see `countVector`. */
  async embed(id: number, texts: readonly Int32Array[], pooling: NativePooling): Promise<Float32Array> {
    if (this.disposed) throw new MlcError("ERR_DISPOSED", "disposed");
    this.embedded.push({ id, texts: texts.map((text) => [...text]), pooling });
    await new Promise((resolve) => setTimeout(resolve, this.embedMs));
    if (this.aborted.includes(id)) throw new MlcError("ERR_ABORTED", "The embedding was aborted.");
    if (this.disposed) throw new MlcError("ERR_ABORTED", "The engine was disposed during the embedding.");
    return Float32Array.from(texts.flatMap((text) => countVector(text)));
  }

  async score(tokens: Int32Array): Promise<Float32Array> {
    return new Float32Array(tokens.length - 1).fill(-1);
  }

  stats() {
    return {
      waiting: 0,
      running: this.#queues.size,
      pagesTotal: 64,
      pagesFree: 64,
      pagesCached: 0,
      pins: this.pinned.size,
      pagesPeak: 0,
      kvBytes: 0,
      weightBytes: 64,
      threads: 1,
      steps: this.steps,
      promptTokens: 0,
      generatedTokens: 0,
      finished: 0,
      aborted: this.aborted.length,
      failed: 0,
      preemptions: 0,
      prefixLookups: 0,
      prefixLookupTokens: 0,
      prefixHitTokens: 0,
      prefixEvictions: 0,
      draftedTokens: 0,
      acceptedTokens: 0,
      forwardMs: 0,
      samplingMs: 0,
      loadMs: 0,
      histograms: {
        queueSeconds: emptyHistogram(),
        firstTokenSeconds: emptyHistogram(),
        interTokenSeconds: emptyHistogram(),
        requestSeconds: emptyHistogram(),
        requestPromptTokens: emptyHistogram(),
        requestGeneratedTokens: emptyHistogram(),
        stepSeconds: emptyHistogram(),
        stepSequences: emptyHistogram(),
        stepRows: emptyHistogram(),
      },
    };
  }

  async pin(id: number, tokens: Int32Array): Promise<number> {
    this.pinned.set(id, [...tokens]);
    return tokens.length;
  }

  unpin(id: number): void {
    this.pinned.delete(id);
  }

  /** As if a token's keys and values were its id. */
  async readPrefix(tokens: Int32Array): Promise<Uint8Array> {
    return Uint8Array.from(tokens);
  }

  async writePrefix(id: number, tokens: Int32Array, data: Uint8Array): Promise<number> {
    this.written = { tokens: [...tokens], data: [...data] };
    return this.pin(id, tokens);
  }

  startTrace(): void {}

  async stopTrace(): Promise<NativeTrace> {
    const none = new Float64Array();
    return { durationMs: 0, droppedSteps: 0, droppedSpans: 0, steps: none, spans: none };
  }

  async dispose(): Promise<void> {
    this.disposed = true;
    this.#queues.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const step = (): void => {
      this.#scheduled = false;
      this.#step();
    };
    if (this.#stepMs > 0) setTimeout(step, this.#stepMs);
    else setImmediate(step);
  }

  #step(): void {
    if (this.hold || this.#queues.size === 0) return;
    this.steps++;
    const events: NativeEvent[] = [];
    for (const [id, queue] of this.#queues) {
      const event = queue.shift();
      if (event === undefined || event.finish !== undefined) this.#queues.delete(id);
      if (event !== undefined) events.push({ id, ...event });
    }
    this.#onEvents(events);
    this.#schedule();
  }
}
