// 64 clients at a time whose requests end in every way: each answer is the one it has alone, and nothing is left behind.
// NODE_MLC_SOAK_SECONDS makes it longer (`npm run soak`).
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine, type EngineOptions, type Generation } from "../../lib/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { compiledModel } from "../support/compiled-model.js";
import { Random } from "../support/random.js";
import { type KnownRequest, runLoad } from "../support/request-load.js";

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
if (gguf === undefined)
  console.warn("NODE_MLC_DEFAULT_MODEL is not set (npm test sets it): the default model's tests are skipped");

const seconds = Number(process.env.NODE_MLC_SOAK_SECONDS ?? 10);
const CLIENTS = 64;
const CONTEXT = 512;
/** V8 and the allocator keep this much of what a load has touched. */
const SLACK_BYTES = 48e6;
const TOPICS = ["rivers", "the moon", "bread", "a lighthouse", "chess", "rain", "a violin", "maps"];

const load = async (options: EngineOptions) =>
  Engine.load(await compiledModel(gguf ?? "", { quantization: "keep" }), {
    contextLength: CONTEXT,
    ...options,
  });

/** Prompts of one to twenty sentences, half of which begin alike; greedy and drawn answers, some with a stop text. */
async function knownRequests(): Promise<KnownRequest[]> {
  await using engine = await load({ prefixCache: false, maxBatch: 1 });
  const random = new Random(5);
  const requests: KnownRequest[] = [];
  for (let index = 0; index < 24; index++) {
    const topic = TOPICS[random.integer(TOPICS.length)];
    const own = `Tell me about ${topic}. `.repeat(1 + random.integer(20));
    const prompt =
      index % 2 === 0 ? `You are a helpful and patient assistant who answers in plain words. ${own}` : own;
    const options = {
      maxTokens: 4 + random.integer(45),
      ...(index % 3 === 0 ? { temperature: 0.8, seed: index } : { temperature: 0 }),
      ...(index % 5 === 0 ? { stop: ["the "] } : {}),
    };
    const { text, tokens, finishReason } = await engine.generate(prompt, options).result;
    requests.push({ prompt, options, expected: { text, tokens, finishReason } });
  }
  return requests;
}

describe.skipIf(gguf === undefined)(`${CLIENTS} clients for ${seconds} s`, () => {
  let requests: KnownRequest[];
  beforeAll(async () => {
    requests = await knownRequests();
  });
  afterAll(() => collectGarbage());

  it.each([
    ["as loaded", {}],
    ["with speculation and few places", { speculation: true, maxBatch: 4 }],
  ] as const)("%s", { timeout: (seconds + 120) * 1000 }, async (_name, options) => {
    const round = async (length: number): Promise<number> => {
      let alive = 0;
      const collected = new FinalizationRegistry(() => alive--);
      const seen = (generation: Generation): void => {
        alive++;
        collected.register(generation, undefined);
      };
      const engine = await load(options);
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
      const timersBefore = timers();
      const counts = await runLoad(engine, requests, { clients: CLIENTS, seconds: length, seed: 1 }, seen);
      // Aborts reach the engine's thread a little later than their callers.
      await expect.poll(() => engine.stats().running + engine.stats().waiting).toBe(0);
      const { refused: _refused, ...ended } = counts;
      const total = Object.values(ended).reduce((sum, count) => sum + count, 0);
      const stats = engine.stats();
      expect(stats.pagesFree).toBe(stats.pagesTotal);
      expect(stats).toMatchObject({ requests: 0, pins: 0, failed: 0, timedOut: counts["timed out"] });
      expect(stats.finished + stats.aborted + stats.timedOut).toBe(total);
      expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
      expect(timers()).toBeLessThanOrEqual(timersBefore);
      await engine.dispose();
      await collectGarbage(() => alive === 0);
      expect(alive).toBe(0);
      return process.memoryUsage().rss;
    };
    const before = await round(Math.min(seconds, 10) / 2);
    const after = await round(seconds);
    expect(after - before).toBeLessThan(SLACK_BYTES);
  });
});
