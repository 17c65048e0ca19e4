/**
 * How much memory a package will use, from its manifest alone.
 *
 *   weights      bytes of all shards (memory-mapped, counted as if all were resident)
 *   kv           pages * pageBytes, pages = batch * ceil(context / pageSize)
 *   temporaries  intermediate tensors of the compiled functions at the package's limits, planned at compile time
 *   workspace    what the engine itself holds: hidden states [prefillChunk, hiddenSize] between embed and forward, logits
 *                [batch, vocabSize], for sampling one more float and one index per logit of a row, the tokenizer's tables, and
 *                the model's code with the virtual machine's and the threads' own memory
 *   total        their sum: how much a Node process grows by (test/e2e/smollm2.test.ts measures it)
 */
import { MlcError } from "../errors.js";
import type { Manifest } from "./manifest.js";

/** What to plan for; defaults: one sequence of the longest context. */
export interface MemoryPlanRequest {
  /** Sequences that run at the same time (1 to limits.maxBatch). */
  readonly batch?: number;
  /** Tokens of each sequence, prompt and answer (1 to limits.contextLength). */
  readonly context?: number;
  /** Bytes that may be used; a plan beyond is refused. */
  readonly budget?: number;
}

/** Bytes by use, and the pages of the KV cache. */
export interface MemoryPlan {
  readonly batch: number;
  readonly context: number;
  readonly pages: number;
  readonly weights: number;
  readonly kv: number;
  readonly workspace: number;
  readonly temporaries: number;
  readonly total: number;
}

const FLOAT_BYTES = 4;
const INDEX_BYTES = 4;
/** Bytes a tokenizer file takes once it is open, for each of its own: measured at 50, 130 and 150 thousand entries. */
const TOKENIZER_BYTES_PER_BYTE = {
  /** Typed arrays used as they are, and hash tables beside them. */
  binary: 1.6,
  /** JavaScript strings and tables. */
  json: 18,
};
/** Library code, virtual machine, thread stacks, the JavaScript of a load: 9.3 to 9.5 MB measured with three models. */
const RUNTIME_BYTES = 9.5e6;

/**
 * Plans the memory of a package.
 * Errors: ERR_INVALID_ARGUMENT for a batch or context outside the package's limits, ERR_INSUFFICIENT_MEMORY for a total beyond `budget`.
 */
export function planMemory(
  manifest: Pick<Manifest, "model" | "limits" | "kvCache" | "memory" | "tokenizer" | "files">,
  request: MemoryPlanRequest = {},
): MemoryPlan {
  const { model, limits, kvCache, memory } = manifest;
  const batch = integer("batch", request.batch ?? 1, limits.maxBatch);
  const context = integer("context", request.context ?? limits.contextLength, limits.contextLength);
  const pages = batch * Math.ceil(context / limits.pageSize);
  const kv = pages * kvCache.pageBytes;
  const hidden = limits.prefillChunk * model.hiddenSize * FLOAT_BYTES;
  const logits = batch * model.vocabSize * FLOAT_BYTES;
  const sampling = model.vocabSize * (FLOAT_BYTES + INDEX_BYTES);
  const workspace = hidden + logits + sampling + tokenizerBytes(manifest) + RUNTIME_BYTES;
  const { weights, temporaries } = memory;
  const total = weights + kv + workspace + temporaries;
  const plan = { batch, context, pages, weights, kv, workspace, temporaries, total };
  if (request.budget !== undefined && total > request.budget) throw overBudget(plan, request.budget);
  return plan;
}

function tokenizerBytes({ tokenizer, files }: Pick<Manifest, "tokenizer" | "files">): number {
  const { json, binary } = TOKENIZER_BYTES_PER_BYTE;
  return tokenizer.files.reduce(
    (sum, file) => sum + Math.ceil((files[file]?.bytes ?? 0) * (file.endsWith(".json") ? json : binary)),
    0,
  );
}

function integer(name: string, value: number, most: number): number {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected an integer between 1 and ${most} for ${name} (a limit of this package) but received ${value}.`,
    );
  }
  return value;
}

function overBudget(plan: MemoryPlan, budget: number): MlcError {
  const { batch, context, weights, kv, workspace, temporaries, total } = plan;
  return new MlcError(
    "ERR_INSUFFICIENT_MEMORY",
    `Expected at most ${megabytes(budget)} but ${batch} sequence(s) of ${context} tokens need ${megabytes(total)} (weights ${megabytes(weights)}, KV cache ${megabytes(kv)}, temporaries ${megabytes(temporaries)}, workspace ${megabytes(workspace)}): lower the batch or the context, or raise the budget.`,
    { details: { ...plan, budget } },
  );
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
