/** Many clients at a time on one engine, whose requests end in every way a caller can end them. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Engine,
  type GenerateOptions,
  type Generation,
  type GenerationResult,
  MlcError,
} from "../../lib/index.js";
import { Random } from "./random.js";

/** A request and its answer when nothing else runs. */
export interface KnownRequest {
  readonly prompt: string;
  readonly options: GenerateOptions;
  readonly expected: Pick<GenerationResult, "text" | "tokens" | "finishReason">;
}

/** How requests ended, by name. */
export type LoadCounts = Record<
  "whole" | "broken off" | "aborted" | "signalled" | "timed out" | "refused",
  number
>;

const MOST_DELAY_MS = 400;

/** What a client does with one request; returns how it ended and throws where that is not as it must be. */
type Fate = (
  run: (more?: GenerateOptions) => Generation,
  request: KnownRequest,
  delayMs: number,
) => Promise<keyof LoadCounts>;

const FATES: readonly { readonly weight: number; readonly fate: Fate }[] = [
  {
    weight: 8,
    fate: async (run, request) => {
      expectWhole(await run().result, request);
      return "whole";
    },
  },
  {
    weight: 2,
    fate: async (run, request, delayMs) => {
      let text = "";
      let chunks = 0;
      for await (const chunk of run()) {
        text += chunk.text;
        if (++chunks > delayMs / 40) break;
      }
      expectBeginning(text, request);
      return "broken off";
    },
  },
  {
    weight: 2,
    fate: async (run, request, delayMs) => {
      const generation = run();
      await sleep(delayMs);
      generation.abort();
      const result = await generation.result;
      if (result.finishReason !== "abort") {
        expectWhole(result, request);
        return "whole";
      }
      expectBeginning(result.text, request);
      return "aborted";
    },
  },
  {
    weight: 2,
    fate: (run, request, delayMs) =>
      endsOr(run({ signal: AbortSignal.timeout(delayMs) }), request, "ERR_ABORTED", "signalled"),
  },
  {
    weight: 1,
    fate: (run, request, delayMs) =>
      endsOr(run({ timeoutMs: delayMs + 1 }), request, "ERR_TIMEOUT", "timed out"),
  },
  {
    weight: 1,
    fate: (run, request, delayMs) =>
      endsOr(run({ queueTimeoutMs: delayMs + 1 }), request, "ERR_TIMEOUT", "timed out"),
  },
  {
    weight: 1,
    fate: async (run) => {
      try {
        run({ maxTokens: -1 });
      } catch (error) {
        if (error instanceof MlcError && error.code === "ERR_INVALID_ARGUMENT") return "refused";
        throw error;
      }
      throw new Error("Expected a request for -1 tokens to be refused.");
    },
  },
];

/** Runs `clients` clients until the time is up and all requests have ended. `seen` gets every generation. */
export async function runLoad(
  engine: Engine,
  requests: readonly KnownRequest[],
  { clients, seconds, seed }: { clients: number; seconds: number; seed: number },
  seen: (generation: Generation) => void = () => {},
): Promise<LoadCounts> {
  const counts: LoadCounts = {
    whole: 0,
    "broken off": 0,
    aborted: 0,
    signalled: 0,
    "timed out": 0,
    refused: 0,
  };
  const deadline = performance.now() + seconds * 1000;
  const fates = FATES.flatMap(({ weight, fate }) => Array.from({ length: weight }, () => fate));
  const client = async (index: number): Promise<void> => {
    const random = new Random(seed * 1000 + index);
    const pick = <Value>(values: readonly Value[]) => values[random.integer(values.length)] as Value;
    while (performance.now() < deadline) {
      const request = pick(requests);
      const run = (more: GenerateOptions = {}): Generation => {
        const generation = engine.generate(request.prompt, { ...request.options, ...more });
        seen(generation);
        return generation;
      };
      counts[await pick(fates)(run, request, random.integer(MOST_DELAY_MS))]++;
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, index) => client(index)));
  return counts;
}

/** The request ends whole, or with this error. */
async function endsOr(
  generation: Generation,
  request: KnownRequest,
  code: string,
  outcome: keyof LoadCounts,
): Promise<keyof LoadCounts> {
  try {
    expectWhole(await generation.result, request);
    return "whole";
  } catch (error) {
    if (error instanceof MlcError && error.code === code) return outcome;
    throw error;
  }
}

function expectWhole(result: GenerationResult, { expected }: KnownRequest): void {
  const { text, finishReason } = result;
  if (text === expected.text && finishReason === expected.finishReason) return;
  throw new Error(
    `Expected ${JSON.stringify(expected.text)} (${expected.finishReason}) but received ${JSON.stringify(text)} (${finishReason}).`,
  );
}

function expectBeginning(text: string, { expected }: KnownRequest): void {
  if (!expected.text.startsWith(text))
    throw new Error(
      `Expected a beginning of ${JSON.stringify(expected.text)} but received ${JSON.stringify(text)}.`,
    );
}
