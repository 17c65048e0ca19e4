/** Prompts that slide: which of their tokens stay. */
import { describe, expect, it } from "vitest";
import type { ChatMessage } from "../../../lib/chat/message.js";
import { leadingSpecials, sharedBeginning, slidePrompt } from "../../../lib/engine/sliding.js";
import { fakeEngine, textScript } from "../../support/fake-engine.js";

const ids = (length: number) => Int32Array.from({ length }, (_, id) => id);

describe("slidePrompt", () => {
  it("leaves a prompt alone that has room for an answer", () => {
    const whole = ids(9);
    expect(slidePrompt(whole, 3, 10)).toEqual({ ids: whole, keep: 3, truncation: undefined });
  });

  it("keeps the first tokens and fills half of the rest with the last ones", () => {
    const { ids: kept, keep, truncation } = slidePrompt(ids(30), 4, 10);
    expect([...kept]).toEqual([0, 1, 2, 3, 27, 28, 29]);
    expect(keep).toBe(4);
    expect(truncation).toEqual({
      droppedTurns: 0,
      droppedMessages: 0,
      droppedTokens: 23,
      originalPromptTokens: 30,
    });
  });

  it("keeps at most half of the context and leaves room at the smallest one", () => {
    expect([...slidePrompt(ids(30), 30, 10).ids]).toEqual([0, 1, 2, 3, 4, 28, 29]);
    for (let context = 3; context < 40; context++) {
      for (const keep of [0, 1, 5, 100]) {
        const { ids: kept } = slidePrompt(ids(100), keep, context);
        expect(kept.length).toBeGreaterThan(0);
        expect(kept.length).toBeLessThan(context);
        expect(kept.at(-1)).toBe(99);
      }
    }
  });
});

describe("what stays unless asked otherwise", () => {
  it("special tokens at the start of a text", () => {
    expect(leadingSpecials(Int32Array.of(7, 8, 1, 7), new Set([7, 8]))).toBe(2);
    expect(leadingSpecials(Int32Array.of(7, 7), new Set([7]))).toBe(2);
    expect(leadingSpecials(Int32Array.of(7), undefined)).toBe(0);
  });

  it("of a chat what comes before its first message that is not a system message", () => {
    const encode = (messages: readonly ChatMessage[]) =>
      Int32Array.from(Buffer.from(messages.map(({ role, content }) => `<${role}>${content}`).join("")));
    const system: ChatMessage = { role: "system", content: "be short" };
    for (const content of ["hello", "Apple", " A", "B"]) {
      const chat: ChatMessage[] = [system, { role: "user", content }, { role: "assistant", content: "x" }];
      const kept = sharedBeginning(chat, encode(chat), encode);
      expect(Buffer.from(encode(chat).subarray(0, kept)).toString().trimEnd()).toBe("<system>be short<user>");
    }
  });
});

describe("a request that slides", () => {
  const system = { role: "system", content: "be short" } as const;
  const asked = [
    system,
    { role: "user", content: "x".repeat(300) },
    { role: "user", content: "last?" },
  ] as const;

  it("keeps the system message and tells the engine so", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"));
    const { truncation } = await engine.generate(asked, { overflow: "sliding" }).result;
    const [request] = native.requests;
    const beginning = "<|start|>system\nbe short<|end|><|start|>user\n";
    const prompt = engine.detokenize(request?.tokens ?? [], { special: true });
    expect(prompt.startsWith(`${beginning}xxx`)).toBe(true);
    expect(prompt.endsWith("last?<|end|><|start|>assistant\n")).toBe(true);
    expect(request?.slideKeep).toBe(beginning.length - 2 * "<|start|>".length - "<|end|>".length + 3);
    expect(request?.maxTokens).toBe(256);
    expect((truncation?.droppedTokens ?? 0) + (request?.tokens.length ?? 0)).toBe(
      truncation?.originalPromptTokens,
    );
  });

  it("reports what the engine left out as the answer grew, over what the prompt lost", async () => {
    const script = () => [
      { tokens: [65] },
      { tokens: [66], droppedTokens: 40 },
      { tokens: [67], finish: "length" as const, droppedTokens: 90 },
    ];
    const { engine } = await fakeEngine(script);
    const short = await engine.generate("abc", { overflow: "sliding", slidingKeep: 2, maxTokens: 3 }).result;
    expect(short.truncation).toEqual({
      droppedTurns: 0,
      droppedMessages: 0,
      droppedTokens: 90,
      originalPromptTokens: 3,
    });
    const long = await engine.generate("a".repeat(400), { overflow: "sliding", slidingKeep: 2 }).result;
    expect(long.truncation?.droppedTokens).toBe(400 - 2 - 127 + 90);
    const { usage } = await engine.completions.create({
      prompt: "abc",
      overflow: "sliding",
      sliding_keep: 2,
      max_tokens: 3,
    });
    expect(usage.extra.truncation?.dropped_tokens).toBe(90);
  });
});
