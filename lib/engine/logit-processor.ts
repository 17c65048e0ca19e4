/**
 * A caller's own changes to logits, in web-llm's shape.
 *
 * Cost: for each token the logits are copied once on the way here and once on the way back, and the request waits for one turn of
 * the event loop; the engine's thread does not wait, other requests go on meanwhile.
 */
import { MlcError } from "../errors.js";
import { unexpected } from "./expectation.js";

/**
 * Called on the JavaScript thread for each token of a request. A processor that keeps state belongs to one request at a time.
 */
export interface LogitProcessor {
  /** Changes the model's logits, one a token id, in place or in a new array of the same length; -Infinity forbids a token. */
  processLogits(logits: Float32Array): Float32Array;
  /** Told each token that was chosen, before the next logits. */
  processSampledToken(token: number): void;
  /** Called when a request begins. */
  resetState(): void;
}

/** Processors by name; that under the model's name is for every request that names none. */
export type LogitProcessorRegistry = ReadonlyMap<string, LogitProcessor>;

const METHODS = ["processLogits", "processSampledToken", "resetState"] as const;

/** Checks that `value` is a registry, or undefined. Errors: ERR_INVALID_ARGUMENT. */
export function expectRegistry(value: unknown): void {
  if (value === undefined || value instanceof Map) return;
  throw unexpected("logitProcessorRegistry", "a Map of names to logit processors", value);
}

/**
 * The processor of a request: the one given, the one registered under the name given, or the model's own. `null`: none.
 * Errors: ERR_INVALID_ARGUMENT.
 */
export function chooseProcessor(
  given: unknown,
  registry: LogitProcessorRegistry | undefined,
  modelName: string,
): LogitProcessor | undefined {
  if (given === null) return undefined;
  const name = given ?? modelName;
  const processor = typeof name === "string" ? registry?.get(name) : name;
  if (processor === undefined && given === undefined) return undefined;
  if (!isProcessor(processor)) {
    throw unexpected("logitProcessor", `a registered name or an object with ${METHODS.join(", ")}`, given);
  }
  return processor;
}

/** Calls `processor`; what it throws or a wrong result becomes ERR_INVALID_ARGUMENT. */
export function processLogits(processor: LogitProcessor, logits: Float32Array): Float32Array {
  const { length } = logits;
  const changed: unknown = callProcessor("processLogits", () => processor.processLogits(logits));
  if (changed instanceof Float32Array && changed.length === length) return changed;
  throw unexpected(
    "the result of processLogits",
    `a Float32Array of ${length} numbers`,
    changed instanceof Float32Array ? `${changed.length} numbers` : typeof changed,
  );
}

/** Calls a method of a processor; what it throws becomes the cause of ERR_INVALID_ARGUMENT. */
export function callProcessor<Result>(method: (typeof METHODS)[number], call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected ${method} of the logit processor to return but it threw: ${reason}`,
      { cause: error },
    );
  }
}

function isProcessor(value: unknown): value is LogitProcessor {
  if (typeof value !== "object" || value === null) return false;
  return METHODS.every((method) => typeof (value as Record<string, unknown>)[method] === "function");
}
