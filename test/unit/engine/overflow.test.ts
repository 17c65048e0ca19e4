/** Chats that are too long for the context. */
import { describe, expect, it } from "vitest";
import type { ChatMessage } from "../../../lib/chat/message.js";
import { ANSWER_RESERVE, promptRoom, truncateOldest } from "../../../lib/engine/overflow.js";
import { fakeEngine, textScript } from "../../support/fake-engine.js";

const message = (role: "system" | "developer" | "user" | "assistant", content: string): ChatMessage => ({
  role,
  content,
});

/** One token a character. */
const encode = (messages: readonly ChatMessage[]) => ({
  ids: messages.flatMap(({ content }) => [...(content as string)].map((_, index) => index)),
  messages,
});

const chat = [
  message("system", "ssss"),
  message("user", "aaaa"),
  message("assistant", "bbbb"),
  message("user", "cccc"),
  message("assistant", "dddd"),
  message("developer", "ee"),
  message("user", "ffff"),
];

describe("truncate-oldest", () => {
  const cut = (room: number, contextLength = 100) => truncateOldest(chat, { room, contextLength }, encode);

  it("leaves a chat alone that fits", () => {
    expect(cut(26)).toEqual({ encoded: encode(chat), truncation: undefined });
  });

  it("drops whole turns, the oldest first, and no more than needed", () => {
    const { encoded, truncation } = cut(18);
    expect(encoded.messages).toEqual([chat[0], ...chat.slice(3)]);
    expect(truncation).toEqual({
      droppedTurns: 1,
      droppedMessages: 2,
      droppedTokens: 8,
      originalPromptTokens: 26,
    });
    expect(cut(17).encoded.messages).toEqual([chat[0], chat[5], chat[6]]);
  });

  it("keeps system messages and the last turn whatever the room, while the context holds them", () => {
    expect(cut(1).encoded.messages).toEqual([chat[0], chat[5], chat[6]]);
    expect(() => cut(1, 10)).toThrow(expect.objectContaining({ code: "ERR_CONTEXT_OVERFLOW" }));
  });

  it("keeps room for the answer", () => {
    expect(promptRoom(8192, undefined)).toBe(8192 - ANSWER_RESERVE);
    expect(promptRoom(8192, 10)).toBe(8182);
    expect(promptRoom(100, undefined)).toBe(75);
    expect(promptRoom(100, 90)).toBe(75);
  });
});

describe("the option overflow", () => {
  const long = Array.from({ length: 12 }, (_, turn) => [
    message("user", `question ${turn}?`),
    message("assistant", `answer ${turn}.`),
  ]).flat();
  const asked = [...long, message("user", "last?")];

  it("is an error unless turns may be dropped, which the result tells", async () => {
    const { engine, native } = await fakeEngine(textScript("ok"));
    expect(() => engine.generate(asked)).toThrow(expect.objectContaining({ code: "ERR_CONTEXT_OVERFLOW" }));
    const { truncation } = await engine.generate(asked, { overflow: "truncate-oldest" }).result;
    expect(truncation?.droppedMessages).toBe(2 * (truncation?.droppedTurns ?? 0));
    expect(truncation?.droppedTurns).toBeGreaterThan(4);
    const prompt = engine.detokenize(native.requests[0]?.tokens ?? []);
    expect(prompt).toContain("last?");
    expect(prompt).not.toContain("question 0?");
    const whole = await engine.generate([message("user", "a")], { overflow: "truncate-oldest" }).result;
    expect(whole.truncation).toBeUndefined();
  });

  it("is in the usage of OpenAI's shapes", async () => {
    const { engine } = await fakeEngine(textScript("ok"));
    const { usage } = await engine.chat.completions.create({ messages: asked, overflow: "truncate-oldest" });
    expect(usage.extra.truncation?.dropped_turns).toBeGreaterThan(4);
    expect(usage.extra.truncation?.original_prompt_tokens).toBeGreaterThan(256);
    expect(usage.extra.e2e_latency_s).toBeGreaterThan(0);
    expect(usage.extra.decode_tokens_per_s).toBeGreaterThan(0);
  });

  it.each([
    { overflow: "drop" },
    { overflow: "error", slidingKeep: 4 },
    { overflow: "sliding", slidingKeep: 129 },
  ])("refuses %o", async (options) => {
    const { engine } = await fakeEngine(textScript("ok"));
    expect(() => engine.generate(asked, options as never)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  it("is for chats", async () => {
    const { engine } = await fakeEngine(textScript("ok"));
    expect(() => engine.generate("text", { overflow: "truncate-oldest" })).toThrow(/a chat/);
  });
});
