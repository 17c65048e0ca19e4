/** Thoughts through the chat API, over a scripted native engine. */
import { describe, expect, it } from "vitest";
import { ChatTemplate } from "../../../lib/chat/chat-template.js";
import { chatRequestOf } from "../../../lib/engine/chat-request.js";
import { byteTokenizer, fakeEngine, textScript } from "../../support/fake-engine.js";

const MESSAGES =
  "{% for m in messages %}<|start|>{{ m.role }}\n{% if m.reasoning_content and keep %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}<|end|>{% endfor %}";
const QWEN = new ChatTemplate(
  `${MESSAGES}<|start|>assistant\n{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}`,
);
const DEEPSEEK = new ChatTemplate(`${MESSAGES}<|start|>assistant\n<think>\n`);
const EFFORT = new ChatTemplate(`{{ reasoning_effort }}${MESSAGES}`);
const messages = [{ role: "user" as const, content: "hi" }];

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe("thoughts", () => {
  it.each([
    ["written by the model", QWEN, "<think>\nHm.\n</think>\n\nFour."],
    ["begun by the prompt", DEEPSEEK, "Hm.\n</think>\n\nFour."],
  ])("%s are reasoning_content, whole and streamed", async (_, chatTemplate, text) => {
    const { engine } = await fakeEngine(textScript(text), { chatTemplate });
    const { choices } = await engine.chat.completions.create({ messages });
    expect(choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { content: "Four.", reasoning_content: "Hm." },
    });
    const chunks = await all(await engine.chat.completions.create({ messages, stream: true }));
    const deltas = chunks.flatMap((chunk) => chunk.choices.map(({ delta }) => delta));
    expect(deltas.map((delta) => delta.reasoning_content ?? "").join("")).toBe("Hm.");
    expect(deltas.map((delta) => delta.content ?? "").join("")).toBe("Four.");
    const [lastThought, firstText] = [
      deltas.findLastIndex((delta) => delta.reasoning_content !== undefined),
      deltas.findIndex((delta) => (delta.content ?? "") !== ""),
    ];
    expect(lastThought).toBeLessThan(firstText);
  });

  it("are absent where the prompt has closed them", async () => {
    const { engine } = await fakeEngine(textScript("Four."), { chatTemplate: QWEN });
    const { choices } = await engine.chat.completions.create({ messages, reasoning_effort: "none" });
    expect(choices[0]?.message).toEqual({ role: "assistant", content: "Four.", refusal: null });
  });

  it("are text of models whose template knows none", async () => {
    const { engine } = await fakeEngine(textScript("<think>x</think>"));
    const { choices } = await engine.chat.completions.create({ messages });
    expect(choices[0]?.message.content).toBe("<think>x</think>");
  });

  it("go back to the template, which decides", async () => {
    const history = [...messages, { role: "assistant" as const, content: "4", reasoning_content: "Hm." }];
    const { engine } = await fakeEngine(textScript("x"), { chatTemplate: QWEN });
    expect(engine.applyChatTemplate(history)).not.toContain("Hm.");
    expect(engine.applyChatTemplate(history, { variables: { keep: true } })).toContain("<think>Hm.</think>4");
  });

  it("come before what a grammar asks for", () => {
    const grammarOf = (chatTemplate: ChatTemplate, fields: Record<string, unknown> = {}) =>
      chatRequestOf(
        { tokenizer: byteTokenizer(), chatTemplate },
        { messages, response_format: { type: "json_object" }, ...fields },
      ).options.grammar;
    const body = { type: "tag", begin: "", content: { type: "any_text" }, end: "</think>" };
    expect(grammarOf(DEEPSEEK)).toMatchObject({
      structuralTag: { format: { elements: [body, { type: "optional" }, { type: "json_schema" }] } },
    });
    expect(grammarOf(QWEN)).toMatchObject({
      structuralTag: {
        format: {
          elements: [
            { type: "optional", content: { elements: [{ value: "<think>" }, body, {}] } },
            { type: "json_schema" },
          ],
        },
      },
    });
  });
});

describe("reasoning_effort", () => {
  const variablesOf = (chatTemplate: ChatTemplate, fields: object) =>
    chatRequestOf({ tokenizer: byteTokenizer(), chatTemplate }, { messages, ...fields }).options
      .templateVariables;

  it("is the template's variable, or its switch", () => {
    expect(variablesOf(EFFORT, { reasoning_effort: "low" })).toEqual({ reasoning_effort: "low" });
    expect(variablesOf(QWEN, { reasoning_effort: "none" })).toEqual({ enable_thinking: false });
    expect(variablesOf(QWEN, { reasoning_effort: "high" })).toEqual({ enable_thinking: true });
    expect(variablesOf(QWEN, { reasoning_effort: null })).toBeUndefined();
    const own = { reasoning_effort: "high", chat_template_kwargs: { enable_thinking: false } };
    expect(variablesOf(QWEN, own)).toEqual({ enable_thinking: false });
  });

  it("is refused where the template knows neither", () => {
    expect(() => variablesOf(new ChatTemplate(MESSAGES), { reasoning_effort: "low" })).toThrow(
      expect.objectContaining({ code: "ERR_UNSUPPORTED_FIELD" }),
    );
  });
});

describe("a budget of thoughts", () => {
  const tokenizerOf = (...marks: string[]) =>
    byteTokenizer(marks.map((content, at) => ({ id: 258 + at, content, special: false })));
  const thinking = tokenizerOf("<think>", "</think>");
  const budgetOf = async (chatTemplate: ChatTemplate, fields: object, tokenizer = thinking) => {
    const { engine, native } = await fakeEngine(textScript("x"), { chatTemplate, tokenizer });
    await engine.chat.completions.create({ messages, ...fields });
    return native.requests[0]?.thought;
  };
  const marks = { begin: Int32Array.of(258), end: Int32Array.of(259), close: Int32Array.of(259) };

  it.each([{ reasoning: { max_tokens: 5 } }, { thinking_token_budget: 5 }])("is %j", async (fields) => {
    expect(await budgetOf(DEEPSEEK, fields)).toEqual({ ...marks, budget: 5, begun: true });
  });

  it("is counted where none is asked for, and where the thought has not begun", async () => {
    expect(await budgetOf(QWEN, {})).toEqual({ ...marks, begun: false });
    const plain = new ChatTemplate("{{ messages[0].content }}");
    expect(await budgetOf(plain, {})).toBeUndefined();
  });

  it("needs marks that are tokens of their own", async () => {
    expect(await budgetOf(QWEN, {}, byteTokenizer())).toBeUndefined();
    await expect(budgetOf(QWEN, { reasoning: { max_tokens: 5 } }, byteTokenizer())).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_FIELD",
      message: expect.stringContaining("ordinary text"),
    });
  });

  it("leads from one of gpt-oss's channels to the next", async () => {
    const channels = new ChatTemplate(`${MESSAGES}{# <|channel|> #}`);
    const tokenizer = tokenizerOf("<|channel|>", "<|message|>");
    expect(await budgetOf(channels, { reasoning: { max_tokens: 0 } }, tokenizer)).toEqual({
      begin: Int32Array.of(258, ...Buffer.from("analysis"), 259),
      end: Int32Array.of(257),
      close: Int32Array.of(257, 256, ...Buffer.from("assistant"), 258, ...Buffer.from("final"), 259),
      budget: 0,
      begun: false,
    });
  });

  it("is reported in usage", async () => {
    const thinking = () => [
      { tokens: [65], thoughtTokens: 1 },
      { tokens: [66], thoughtTokens: 2 },
      { tokens: [67], finish: "length" as const },
    ];
    const { engine } = await fakeEngine(thinking, { chatTemplate: QWEN });
    const { usage } = await engine.chat.completions.create({ messages, n: 2 });
    expect(usage.completion_tokens_details).toEqual({ reasoning_tokens: 4 });
    expect((await engine.generate("x").result).usage.reasoningTokens).toBe(2);
  });

  it.each([
    [{ reasoning: 5 }, "ERR_INVALID_ARGUMENT"],
    [{ reasoning: { max_tokens: -1 } }, "ERR_INVALID_ARGUMENT"],
    [{ reasoning: { max_tokens: 1.5 } }, "ERR_INVALID_ARGUMENT"],
    [{ reasoning: { exclude: true } }, "ERR_INVALID_ARGUMENT"],
    [{ reasoning: { max_tokens: 5 }, thinking_token_budget: 6 }, "ERR_INVALID_ARGUMENT"],
    [{ reasoning: { effort: "low" }, reasoning_effort: "high" }, "ERR_INVALID_ARGUMENT"],
  ])("refuses %j", async (fields, code) => {
    const { engine } = await fakeEngine(textScript("x"), { chatTemplate: QWEN });
    const body = { messages, ...fields } as Parameters<typeof engine.chat.completions.create>[0];
    await expect(engine.chat.completions.create(body)).rejects.toMatchObject({ code });
  });

  it("is refused where the template marks no thoughts", async () => {
    const { engine } = await fakeEngine(textScript("x"));
    await expect(
      engine.chat.completions.create({ messages, reasoning: { max_tokens: 5 } }),
    ).rejects.toMatchObject({ code: "ERR_UNSUPPORTED_FIELD", details: { field: "reasoning.max_tokens" } });
  });

  it("of generate names its marks itself", async () => {
    const { engine, native } = await fakeEngine(textScript("x"), { tokenizer: thinking });
    const own = { begin: "<think>", end: [41], close: "!)", maxTokens: 3 };
    await engine.generate("x", { thought: own }).result;
    expect(native.requests[0]?.thought).toEqual({
      begin: Int32Array.of(258),
      end: Int32Array.of(41),
      close: Int32Array.of(33, 41),
      budget: 3,
      begun: false,
    });
    for (const wrong of ["", ")", [], [260], [1.5]])
      expect(() => engine.generate("x", { thought: { ...own, end: wrong } })).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
  });
});
