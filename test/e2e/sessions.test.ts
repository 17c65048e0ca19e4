// Sessions and speculation with the default model: what they save, and that no answer changes.
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Engine, ModelPackage } from "../../lib/index.js";
import { compiledModel } from "../support/compiled-model.js";
import { sharedData } from "../support/shared-data.js";

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
const stories = sharedData("stories260K", "hf");
if (gguf === undefined)
  console.warn("NODE_MLC_DEFAULT_MODEL is not set (npm test sets it): the default model's tests are skipped");

const folder = mkdtempSync(path.join(os.tmpdir(), "node-mlc-sessions-"));
afterAll(() => rmSync(folder, { recursive: true }));

const model = () => compiledModel(gguf ?? "", { quantization: "keep" });
const system = { role: "system", content: "You are a helpful assistant. ".repeat(40) } as const;
const GREEDY = { temperature: 0, maxTokens: 24 };

describe.skipIf(gguf === undefined)("sessions", () => {
  it("compute only what is new, and go on elsewhere where they were saved", async () => {
    const file = path.join(folder, "session.mlc");
    await using engine = await Engine.load(await model());
    const session = engine.session({ messages: [system] });
    await session.send("What is the capital of Japan?", GREEDY).result;
    await session.save(file);
    const fork = await session.fork();
    const next = await session.send("And of Italy?", GREEDY).result;
    expect(next.usage.cachedTokens).toBeGreaterThan(next.usage.promptTokens - 40);
    expect((await fork.send("And of Italy?", GREEDY).result).text).toBe(next.text);

    await using other = await Engine.load(await model());
    const restored = await other.restoreSession(file);
    const again = await restored.send("And of Italy?", GREEDY).result;
    expect(again.text).toBe(next.text);
    expect(again.usage.cachedTokens).toBe(next.usage.cachedTokens);
    expect(other.stats().promptTokens).toBe(again.usage.promptTokens - again.usage.cachedTokens);

    // The same conversation, computed anew.
    await using plain = await Engine.load(await model(), { prefixCache: false });
    const anew = await plain.generate(session.messages.slice(0, -1), GREEDY).result;
    expect(anew.text).toBe(next.text);
    expect(anew.usage.cachedTokens).toBe(0);
  });

  it("are of one package", async () => {
    const file = path.join(folder, "other.mlc");
    await using engine = await Engine.load(await model());
    const session = engine.session();
    await session.send("Hi", GREEDY).result;
    await session.save(file);
    const exact = await compiledModel(gguf ?? "", { quantization: "keep", activations: "float32" });
    await using other = await Engine.load(exact);
    await expect(other.restoreSession(file)).rejects.toMatchObject({ code: "ERR_INVALID_SESSION" });
  });
});

describe.skipIf(gguf === undefined)("speculation", () => {
  const article =
    "In 1998 the company moved to Lyon, where it employs four hundred people and builds small electric motors for pumps.";
  const prompts = [`Repeat this text word for word:\n\n${article} ${article}`, "Tell me about the sea."];
  const settings = [
    { temperature: 0, maxTokens: 60 },
    { temperature: 0.9, topP: 0.95, seed: 5, maxTokens: 60, repetitionPenalty: 1.1 },
  ];

  async function answers(speculation: boolean | { draft: string }, ways = settings) {
    await using engine = await Engine.load(await model(), { speculation });
    const texts = await Promise.all(
      prompts.flatMap((content) =>
        ways.map(async (options) => {
          const { text } = await engine.generate([{ role: "user", content }], options).result;
          return text;
        }),
      ),
    );
    return { texts, stats: engine.stats() };
  }

  it("changes no answer, greedy or sampled", async () => {
    const alone = await answers(false);
    expect(alone.stats.draftedTokens).toBe(0);
    const ngrams = await answers(true);
    expect(ngrams.texts).toEqual(alone.texts);
    expect(ngrams.stats.acceptedTokens).toBeGreaterThan(20);
    const drafted = await answers({ draft: await model() });
    expect(drafted.texts).toEqual(alone.texts);
    expect(drafted.stats.steps).toBeLessThan(alone.stats.steps);
    // The model drafts for itself: what it would say anyway, where nothing is sampled.
    const { stats } = await answers({ draft: await model() }, settings.slice(0, 1));
    expect(stats.acceptedTokens).toBeGreaterThan(0.9 * stats.draftedTokens);
  });

  it("counts the draft model within the memory budget", async () => {
    const folder = await model();
    const package_ = await ModelPackage.open(folder);
    const plan = (batch: number) => package_.plan({ batch, context: 512 }).total;
    const load = (memoryBudget: number, maxBatch?: number) =>
      Engine.load(folder, { speculation: { draft: folder }, contextLength: 512, memoryBudget, maxBatch });
    // Room for two of the model, where one alone would have a full batch.
    await using engine = await load(plan(2) * 2);
    expect(engine.plan().batch).toBeLessThan(package_.manifest.limits.maxBatch);
    expect((await engine.generate("The sea", GREEDY).result).tokens.length).toBeGreaterThan(0);
    await expect(load(plan(1))).rejects.toMatchObject({ code: "ERR_INSUFFICIENT_MEMORY" });
    await expect(load(plan(4) + plan(1), 4)).rejects.toMatchObject({ code: "ERR_INSUFFICIENT_MEMORY" });
  });

  it.skipIf(stories === undefined)("refuses a draft model of another vocabulary", async () => {
    const draft = await compiledModel(stories ?? "", {});
    await expect(Engine.load(await model(), { speculation: { draft } })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("choose a smaller model of the same family"),
    });
  });
});
