// Answers that outgrow the context, with the default model: the same as from the text that is left, computed anew.
import { describe, expect, it } from "vitest";
import { Engine } from "../../lib/index.js";
import { compiledModel } from "../support/compiled-model.js";

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
if (gguf === undefined)
  console.warn("NODE_MLC_DEFAULT_MODEL is not set (npm test sets it): the default model's tests are skipped");

const CONTEXT = 128;
const load = async () =>
  Engine.load(await compiledModel(gguf ?? "", { quantization: "keep" }), { contextLength: CONTEXT });

describe.skipIf(gguf === undefined)("overflow: sliding", () => {
  it("gives the tokens of the text that is left", async () => {
    await using engine = await load();
    const keep = 10;
    const prompt = [...engine.tokenize("Once upon a time there was a river. ".repeat(6))];
    const options = { temperature: 0, ignoreEos: true } as const;
    const { tokens, truncation } = await engine.generate(prompt, {
      ...options,
      overflow: "sliding",
      slidingKeep: keep,
      maxTokens: 300,
    }).result;

    const expected: number[] = [];
    let text = prompt;
    let dropped = 0;
    while (expected.length < 300) {
      const part = await engine.generate(text, { ...options, maxTokens: 300 - expected.length }).result;
      expected.push(...part.tokens);
      text = [...text, ...part.tokens];
      if (text.length < CONTEXT) break;
      const drop = Math.ceil((text.length - keep) / 2);
      text = [...text.slice(0, keep), ...text.slice(keep + drop)];
      dropped += drop;
    }
    expect([...tokens]).toEqual(expected);
    expect(truncation).toMatchObject({ droppedTokens: dropped, originalPromptTokens: prompt.length });
  });

  it("lets a session go on for ever, its system message kept", async () => {
    await using engine = await load();
    const session = engine.session({ messages: [{ role: "system", content: "Answer in one word." }] });
    const options = { temperature: 0, maxTokens: 40, ignoreEos: true, overflow: "sliding" } as const;
    for (let turn = 0; turn < 6; turn++) {
      const { finishReason, usage } = await session.send(`What is ${turn} plus ${turn}?`, options).result;
      expect(finishReason).toBe("length");
      expect(usage.completionTokens).toBe(40);
    }
    expect(session.messages).toHaveLength(13);
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0 });
    session.dispose();
  });
});
