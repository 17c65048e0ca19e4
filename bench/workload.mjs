// The work both sides do, token for token: random but fixed prompts, a cold first request, then repeated measurements.
// A side implements { load(file, {threads, contextSize}), prefill(tokens), decode(tokens, count), reset() }.
import { readFileSync } from "node:fs";

const DECODE_TOKENS = 128;
const REPEATS = 3;

/** `count` token ids between 300 and 4299, the same for the same seed (a linear congruential generator). */
function promptTokens(count, seed) {
  let state = seed * 7919 + 17;
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return 300 + ((state >> 8) % 4000);
  });
}

/** Peak resident memory of this process in bytes. */
function peakRss() {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
}

async function seconds(work) {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Milliseconds from a request to its first token. */
async function timeToFirstToken(side, tokens) {
  await side.reset();
  const start = performance.now();
  let first;
  await side.decode(tokens, 1, () => {
    first ??= performance.now();
  });
  return first - start;
}

/** Tokens a second between the first generated token and the last. */
async function decodeRate(side, contextTokens, seed) {
  await side.reset();
  const times = [];
  await side.decode(promptTokens(contextTokens, seed), DECODE_TOKENS, (count) => {
    times.push({ at: performance.now(), count });
  });
  const tokens = times.at(-1).count - times[0].count;
  return tokens / ((times.at(-1).at - times[0].at) / 1000);
}

/** Runs the workload in this process and prints one JSON object: every figure as an array of its repetitions. */
export async function runWorkload(side) {
  const [file, threads] = [process.argv[2], Number(process.argv[3])];
  await side.load(file, { threads, contextSize: 1024 });
  const figures = {
    load_ms: [performance.now()],
    ttft_first_ms: [],
    ttft_ms: [],
    prefill_tokens_per_s: [],
    decode_tokens_per_s: [],
    decode_at_512_tokens_per_s: [],
  };
  figures.ttft_first_ms.push(await timeToFirstToken(side, promptTokens(512, 1)));
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    figures.ttft_ms.push(await timeToFirstToken(side, promptTokens(512, 2 + repeat)));
    await side.reset();
    const prompt = promptTokens(512, 10 + repeat);
    figures.prefill_tokens_per_s.push(512 / (await seconds(() => side.prefill(prompt))));
    figures.decode_tokens_per_s.push(await decodeRate(side, 32, 20 + repeat));
    figures.decode_at_512_tokens_per_s.push(await decodeRate(side, 512, 30 + repeat));
  }
  figures.peak_rss_bytes = [peakRss()];
  console.log(JSON.stringify(figures));
  process.exit(0);
}
