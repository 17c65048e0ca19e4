// 200 clients that come when they like, whether the ones before have their answers or not (an open loop): some go away, some read
// slowly, some send nonsense. Answers are right, and nothing is left behind.
import { once } from "node:events";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Engine } from "../../lib/index.js";
import { serve } from "../../lib/server/index.js";
import { compiledModel } from "../support/compiled-model.js";
import { Random } from "../support/random.js";
import { sharedData } from "../support/shared-data.js";

const stories = sharedData("stories260K", "hf");
const CLIENTS = 200;
const ARRIVALS_MS = 6000;
const OPENINGS = ["Once upon a time", "The dog", "Lily", "In the garden", "One day", "Tom and Sam"];

type Outcome = "answered" | "left" | "refused";

it.skipIf(stories === undefined)(`answers ${CLIENTS} clients`, { timeout: 120_000 }, async () => {
  await using engine = await Engine.load(await compiledModel(stories ?? "", { quantization: "q0f32" }), {
    maxQueue: 64,
  });
  const expected = new Map<string, string>();
  const options = { temperature: 0, ignoreEos: true };
  for (const prompt of OPENINGS)
    expected.set(prompt, (await engine.generate(prompt, { ...options, maxTokens: 200 }).result).text);
  const server = await serve({ models: [{ name: "tales", engine }], port: 0 });
  const random = new Random(3);

  const post = async (body: string, signal: AbortSignal): Promise<http.IncomingMessage> => {
    const request = http.request(`${server.url}/v1/completions`, { method: "POST", agent: false, signal });
    request.end(body);
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    return response;
  };

  const client = async (): Promise<Outcome> => {
    const prompt = OPENINGS[random.integer(OPENINGS.length)] ?? "";
    const count = 20 + random.integer(180);
    const kind = random.integer(10);
    const delayMs = random.integer(300);
    await sleep(random.integer(ARRIVALS_MS));
    const leaving = new AbortController();
    if (kind < 2) setTimeout(() => leaving.abort(), delayMs);
    if (kind === 2) {
      const nonsense = await post('{"prompt": 7, "max_tokens": "many"}', leaving.signal);
      nonsense.resume();
      expect(nonsense.statusCode).toBe(400);
      return "refused";
    }
    const body = { prompt, temperature: 0, ignore_eos: true, max_tokens: count, stream: true };
    try {
      const response = await post(JSON.stringify(body), leaving.signal);
      let raw = "";
      for await (const part of response) {
        raw += String(part);
        if (kind === 3) await sleep(20); // reads slowly
      }
      if (response.statusCode === 429) return "refused";
      expect(raw.endsWith("data: [DONE]\n\n"), raw.slice(-300)).toBe(true);
      const events = raw.split("\n\n").filter((event) => event.startsWith("data: {"));
      const text = events.map((event) => JSON.parse(event.slice(6)).choices[0]?.text ?? "").join("");
      expect(expected.get(prompt)?.startsWith(text), text).toBe(true);
      expect(text.length).toBeGreaterThan(10);
      return "answered";
    } catch (error) {
      if (leaving.signal.aborted) return "left";
      throw error;
    }
  };

  const outcomes = await Promise.all(Array.from({ length: CLIENTS }, client));
  const count = (outcome: Outcome) => outcomes.filter((each) => each === outcome).length;
  expect(count("answered")).toBeGreaterThan(CLIENTS / 2);
  expect(count("left")).toBeGreaterThan(0);
  await expect.poll(() => server.handler.pool.find("tales").active).toBe(0);
  await expect.poll(() => engine.stats().running + engine.stats().waiting).toBe(0);
  expect(engine.stats()).toMatchObject({ requests: 0, failed: 0 });
  expect(engine.stats().pagesFree).toBe(engine.stats().pagesTotal);
  expect(await server.close(1000)).toBe(true);
});
