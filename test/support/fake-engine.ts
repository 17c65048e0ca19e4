import { ChatTemplate } from "../../lib/chat/chat-template.js";
import { Engine, type EngineParts, type ModelText } from "../../lib/engine/engine.js";
import { MlcError } from "../../lib/errors.js";
import type {
  NativeEngine,
  NativeEvent,
  NativeHistogram,
  NativeRequest,
  NativeTrace,
} from "../../lib/ffi/native-engine.js";
import { checkManifest, type Manifest, PACKAGE_VERSION } from "../../lib/package/manifest.js";
import { planMemory } from "../../lib/package/memory-plan.js";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.js";

/** Ids of the fake vocabulary: 0 to 255 are bytes. */
export const START = 256;
export const END = 257;
const VOCABULARY = 260;

/** A byte-level tokenizer of 256 bytes and two control tokens, or more. */
export function byteTokenizer(
  more: readonly { id: number; content: string; special: boolean }[] = [],
): Tokenizer {
  const vocab: Record<string, number> = {};
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    vocab[String.fromCharCode(printable ? byte : next++)] = byte;
  }
  return new Tokenizer({
    model: { type: "BPE", vocab, merges: [] },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
    added_tokens: [
      { id: START, content: "<|start|>", special: true },
      { id: END, content: "<|end|>", special: true },
      ...more,
    ],
  });
}

const TEMPLATE =
  "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}";

/** A manifest of a tiny model; `change` may alter parts of it. */
export function fakeManifest(change: Partial<Manifest> = {}): Manifest {
  const digest = { bytes: 64, sha256: "0".repeat(64) };
  const pageBytes = 16 * 4 * 2 * 4;
  return checkManifest({
    format: "node-mlc-package",
    version: PACKAGE_VERSION,
    generator: "test",
    tvm: { runtime: "0", ffi: "0" },
    model: {
      architecture: "llama",
      name: "fake",
      hiddenSize: 4,
      intermediateSize: 4,
      layers: 1,
      attentionHeads: 1,
      keyValueHeads: 1,
      headDim: 4,
      vocabSize: VOCABULARY,
      contextLength: 256,
    },
    quantization: "q0f32",
    activations: "int8",
    limits: { contextLength: 256, maxBatch: 4, prefillChunk: 64, pageSize: 16 },
    kvCache: { dtype: "float32", bytesPerToken: pageBytes / 16, pageBytes },
    libraries: [
      {
        name: "generic",
        target: {
          kind: "llvm",
          triple: "x86_64-unknown-linux-gnu",
          cpu: "generic",
          vectorBits: 128,
          features: [],
        },
        file: "model.so",
        functions: ["embed", "decode", "batch_decode", "batch_prefill"].map((name) => ({
          name,
          temporaryBytes: 0,
        })),
      },
    ],
    weights: {
      shards: [{ file: "weights.bin", bytes: 64 }],
      params: [
        {
          name: "w",
          shape: [4],
          format: "vector",
          packedShape: [4],
          dtype: "float32",
          shard: 0,
          offset: 0,
          bytes: 16,
        },
      ],
      totalBytes: 64,
    },
    memory: { weights: 64, temporaries: 0 },
    tokenizer: { files: ["tokenizer.json"], eosTokenIds: [END], addBos: false },
    generation: {},
    source: { kind: "huggingface", name: "fake" },
    licence: { files: [] },
    files: { "model.so": digest, "weights.bin": digest, "tokenizer.json": digest },
    ...change,
  });
}

/** What a fake request does: the events it reports, one a step; a function may choose by the request. */
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

/** A native engine that plays a script, one step each turn of the event loop, and records what it is told. */
export class FakeNativeEngine implements NativeEngine {
  readonly requests: NativeRequest[] = [];
  readonly aborted: number[] = [];
  readonly replies: { id: number; logits: Float32Array }[] = [];
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
  readonly #script: Script;
  readonly #onEvents: (events: readonly NativeEvent[]) => void;
  readonly #queues = new Map<number, Omit<NativeEvent, "id">[]>();

  constructor(script: Script, onEvents: (events: readonly NativeEvent[]) => void) {
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
    setImmediate(() => this.#step());
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

/** An engine over a scripted native one. */
export async function fakeEngine(
  script: Script,
  change: Partial<EngineParts & ModelText> = {},
): Promise<{ engine: Engine; native: FakeNativeEngine }> {
  const manifest = change.manifest ?? fakeManifest();
  const text = { tokenizer: byteTokenizer(), chatTemplate: new ChatTemplate(TEMPLATE), ...change };
  let native: FakeNativeEngine | undefined;
  const engine = await Engine.fromParts({
    manifest,
    library: manifest.libraries[0] as Manifest["libraries"][number],
    plan: planMemory(manifest),
    openText: async () => text,
    start: async (onEvents) => {
      native = new FakeNativeEngine(script, onEvents);
      return native;
    },
    ...change,
  });
  if (native === undefined) throw new Error("the engine did not start the fake native engine");
  return { engine, native };
}
