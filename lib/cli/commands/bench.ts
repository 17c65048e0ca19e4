/** `node-mlc bench`: load time, time to first token, prefill and decode speed, peak memory. Medians over the repetitions. */
import { readFileSync } from "node:fs";
import type { Engine } from "../../engine/engine.js";
import { defineCommand, integerFlag } from "../command.js";
import { ENGINE_ARGS, loadEngine } from "../engine-flags.js";
import { lines, megabytes } from "../output.js";
import { Progress } from "../progress.js";

export const benchCommand = defineCommand({
  meta: { name: "bench", description: "Measure load time, speed and memory" },
  args: {
    ...ENGINE_ARGS,
    "prompt-tokens": { type: "string", valueHint: "N", description: "Tokens of each prompt (default 512)" },
    "new-tokens": { type: "string", valueHint: "N", description: "Tokens of each answer (default 128)" },
    concurrency: { type: "string", valueHint: "N", description: "Requests at a time (default 1)" },
    repeat: { type: "string", valueHint: "N", description: "Repetitions after one to warm up (default 3)" },
  },
  async run(args, { output, signal }) {
    const concurrency = integerFlag("concurrency", args.concurrency) ?? 1;
    const repeat = integerFlag("repeat", args.repeat) ?? 3;
    const started = performance.now();
    // Every prompt is to be computed.
    const options = { maxBatch: concurrency, prefixCache: false, signal };
    await using engine = await loadEngine(args, options);
    const loadMs = performance.now() - started;
    const context = engine.plan().context;
    const promptTokens =
      integerFlag("prompt-tokens", args["prompt-tokens"], 1, context - 2) ?? Math.min(512, context >> 1);
    const room = context - promptTokens;
    const newTokens = integerFlag("new-tokens", args["new-tokens"], 2, room) ?? Math.min(128, room);
    const progress = new Progress();
    const runs: Measurement[] = [];
    try {
      for (let round = 0; round <= repeat; round++) {
        progress.update("bench", round, repeat + 1);
        const measured = await measure(engine, { promptTokens, newTokens, concurrency, seed: round, signal });
        if (round > 0) runs.push(measured);
      }
    } finally {
      progress.stop();
    }
    const result = {
      load_ms: loadMs,
      ttft_ms: median(runs.map((run) => run.ttftMs)),
      prefill_tokens_per_s: median(runs.map((run) => run.prefillRate)),
      decode_tokens_per_s: median(runs.map((run) => run.decodeRate)),
      peak_rss_bytes: peakMemory(),
    };
    output.result(
      {
        ...result,
        library: engine.library.name,
        prompt_tokens: promptTokens,
        new_tokens: newTokens,
        concurrency,
        repeat,
      },
      () =>
        lines([
          ["library", engine.library.name],
          ["load", `${loadMs.toFixed(0)} ms`],
          ["first token", `${result.ttft_ms.toFixed(1)} ms`],
          ["prefill", `${result.prefill_tokens_per_s.toFixed(1)} tokens/s`],
          ["decode", `${result.decode_tokens_per_s.toFixed(1)} tokens/s`],
          ["peak memory", megabytes(result.peak_rss_bytes)],
        ]),
    );
  },
});

interface Workload {
  readonly promptTokens: number;
  readonly newTokens: number;
  readonly concurrency: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

interface Measurement {
  /** Median over the requests. */
  readonly ttftMs: number;
  /** Prompt tokens of all requests by the time until the last of them has its first token. */
  readonly prefillRate: number;
  /** Later tokens of all requests by the time from then on. */
  readonly decodeRate: number;
}

async function measure(engine: Engine, work: Workload): Promise<Measurement> {
  const started = performance.now();
  const requests = Array.from({ length: work.concurrency }, async (_, index) => {
    const prompt = fixedPrompt(
      engine.manifest.model.vocabSize,
      work.promptTokens,
      work.seed * work.concurrency + index,
    );
    const times: number[] = [];
    const options = { maxTokens: work.newTokens, temperature: 0, ignoreEos: true, signal: work.signal };
    for await (const { tokens } of engine.generate(prompt, options)) {
      for (const _token of tokens) times.push(performance.now() - started);
    }
    return times;
  });
  const times = await Promise.all(requests);
  const firsts = times.map((list) => list[0] ?? 0);
  const prefillMs = Math.max(...firsts);
  const after = times.flat().filter((time) => time > prefillMs);
  const decodeMs = Math.max(...times.flat()) - prefillMs;
  return {
    ttftMs: median(firsts),
    prefillRate: ((work.promptTokens * work.concurrency) / prefillMs) * 1000,
    decodeRate: (after.length / decodeMs) * 1000,
  };
}

/** Ids that look random and are the same for the same seed (a linear congruential generator). */
function fixedPrompt(vocabularySize: number, length: number, seed: number): Int32Array {
  let state = (seed * 7919 + 17) >>> 0;
  return Int32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % vocabularySize;
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Most resident memory of this process so far, in bytes. */
function peakMemory(): number {
  if (process.platform === "linux") {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
    if (match !== null) return Number(match[1]) * 1024;
  }
  return process.resourceUsage().maxRSS * 1024;
}
