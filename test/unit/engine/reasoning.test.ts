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
