// The work both sides do, token for token, in a process of its own: random but fixed prompts, decoded greedily beyond any end
// of sequence. The process is given a plan (JSON, see bench/peer-process.ts) and prints one JSON object: every figure as the
// list of its repetitions.
//
// A side implements
//   load(plan)                        the model
//   open(streams)  → Stream[]         room for so many sequences at once (closes what was open before)
// and a Stream
//   clear()                           forgets the sequence
//   prefill(tokens)                   resolves when the prompt has been computed
//   decode(tokens, count, onToken)    prompt, then `count` tokens; calls onToken(number of tokens so far)
import { readFileSync } from "node:fs";

const STREAM_PROMPT_TOKENS = 32;

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

/** Decodes and returns the time of every token: `{ at, count }`, `count` tokens being there at `at` (ms since the request). */
async function tokenTimes(stream, tokens, count) {
  const times = [];
  const start = performance.now();
  await stream.decode(tokens, count, (done) => times.push({ at: performance.now() - start, count: done }));
  return times;
}

/** Tokens a second between the first generated token and the last. */
function decodeRate(times) {
  const [first, last] = [times[0], times.at(-1)];
  return ((last.count - first.count) / (last.at - first.at)) * 1000;
}

/** Time to the first token (ms) and decode rate after a prompt. */
async function measurePrompt(stream, contextTokens, seed, count) {
  await stream.clear();
  const times = await tokenTimes(stream, promptTokens(contextTokens, seed), count);
  return { ttft: times[0].at, rate: decodeRate(times) };
}

async function prefillRate(stream, tokens) {
  await stream.clear();
  const start = performance.now();
  await stream.prefill(tokens);
  return (tokens.length / (performance.now() - start)) * 1000;
}

/** Tokens a second of all streams together, from the moment each has its first token until all are done. */
async function totalRate(streams, seed, count) {
  await Promise.all(streams.map((stream) => stream.clear()));
  const all = await Promise.all(
    streams.map((stream, index) =>
      tokenTimes(stream, promptTokens(STREAM_PROMPT_TOKENS, seed * 16 + index), count),
    ),
  );
  const start = Math.max(...all.map((times) => times[0].at));
  const end = Math.max(...all.map((times) => times.at(-1).at));
  const before = (times) => times.findLast(({ at }) => at <= start).count;
  const tokens = all.reduce((sum, times) => sum + times.at(-1).count - before(times), 0);
  return (tokens / (end - start)) * 1000;
}

/** One request at a time, in a context of a usual size. */
async function runSingle(stream, { work, repeats, decodeTokens }, record) {
  if (work.includes("context512")) record("ttft_512_first", (await measurePrompt(stream, 512, 1, 2)).ttft);
  for (let repeat = 0; repeat < repeats; repeat++) {
    if (work.includes("context32")) {
      const { ttft, rate } = await measurePrompt(stream, 32, 20 + repeat, decodeTokens);
      record("ttft_32", ttft);
      record("decode_32", rate);
    }
    if (work.includes("context512")) {
      const { ttft, rate } = await measurePrompt(stream, 512, 30 + repeat, decodeTokens);
      record("ttft_512", ttft);
      record("decode_512", rate);
    }
    if (work.includes("prefill512"))
      record("prefill_512", await prefillRate(stream, promptTokens(512, 40 + repeat)));
  }
  if (work.includes("context512")) record("peak_rss", peakRss() / 1e6);
}

/** A long prompt takes many seconds on a small machine: once a process. */
async function runLong(stream, { decodeTokens }, record) {
  await measurePrompt(stream, 32, 2, 2);
  const { ttft, rate } = await measurePrompt(stream, 2048, 50, decodeTokens);
  record("ttft_2048", ttft);
  record("decode_2048", rate);
}

/** Requests that start together; each number of streams is warmed up with a few tokens. */
async function runStreams(side, { work, decodeTokens }, record) {
  for (const name of work) {
    const count = Number(name.slice("streams".length));
    const streams = await side.open(count);
    await totalRate(streams, 60, 2);
    record(`streams_${count}`, await totalRate(streams, 70, decodeTokens));
  }
}

/** Does what the plan says and ends this process. */
export async function runWorkload(side) {
  const plan = JSON.parse(process.argv[2]);
  const figures = {};
  const record = (figure, value) => {
    figures[figure] = [...(figures[figure] ?? []), value];
  };
  await side.load(plan);
  if (plan.process === "streams") await runStreams(side, plan, record);
  else {
    const [stream] = await side.open(1);
    if (plan.work.includes("load")) record("load", Date.now() - plan.startedAt);
    await (plan.process === "long" ? runLong : runSingle)(stream, plan, record);
  }
  console.log(JSON.stringify(figures));
  process.exit(0);
}
