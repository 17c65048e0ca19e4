/** Calls with arguments between marks, and Functionary's, through the chat API over a scripted native engine. */
import { describe, expect, it } from "vitest";
import { ChatTemplate } from "../../../lib/chat/chat-template.js";
import type { FunctionTool } from "../../../lib/chat/tool-call.js";
import { chatRequestOf } from "../../../lib/engine/chat-request.js";
import { byteTokenizer, fakeEngine, fakeManifest, textScript } from "../../support/fake-engine.js";

const BODY =
  "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}CALLS<|end|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant\nBEGIN{% endif %}";
const body = (calls: string, begin = "") => BODY.replace("CALLS", () => calls).replace("BEGIN", begin);

/** Templates of the kinds of the families: how tools are told, and calls that were made. */
const TEMPLATES = {
  "qwen3-coder": `{% if tools %}{{ tools | tojson }}\n<tool_call>\n<function=x>\n<parameter=y>\nz\n</parameter>\n</function>\n</tool_call>{% endif %}${body(
    "{% for c in m.tool_calls or [] %}\n<tool_call>\n<function={{ c.function.name }}>\n{% for k, v in c.function.arguments | items %}<parameter={{ k }}>\n{{ (v | tojson if v is mapping or (v is sequence and v is not string) else v | string) ~ '\n</parameter>\n' }}{% endfor %}</function>\n</tool_call>{% endfor %}",
  )}`,
  "glm-4.5": `{% if tools %}{{ tools | tojson }}\n<tool_call>x\n<arg_key>y</arg_key>\n<arg_value>z</arg_value>\n</tool_call>{% endif %}${body(
    "{% for c in m.tool_calls or [] %}\n<tool_call>{{ c.function.name ~ '\n' }}{% for k, v in c.function.arguments.items() %}<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v | tojson if v is not string else v }}</arg_value>{{ '\n' }}{% endfor %}</tool_call>{% endfor %}",
  )}`,
  "functionary-3.2": `{{ tools | tojson }}{{ '>>>all\\n' if false }}${body(
    "{% for c in m.tool_calls or [] %}{{ '>>>' + c.function.name + '\n' + c.function.arguments }}{% endfor %}",
    ">>>",
  )}`,
};
const ANSWERS = {
  "qwen3-coder":
    "I look.\n<tool_call>\n<function=search>\n<parameter=query>\nfirst <b>\nsecond\n</parameter>\n<parameter=limit>\n3\n</parameter>\n</function>\n</tool_call>",
  "glm-4.5":
    "I look.\n<tool_call>search\n<arg_key>query</arg_key>\n<arg_value>first <b>\nsecond</arg_value>\n<arg_key>limit</arg_key>\n<arg_value>3</arg_value>\n</tool_call>",
  "functionary-3.2": 'all\nI look.>>>search\n{"query": "first <b>\\nsecond", "limit": 3}',
};
type Family = keyof typeof TEMPLATES;
const FAMILIES = Object.keys(TEMPLATES) as Family[];

const search: FunctionTool = {
  type: "function",
  function: {
    name: "search",
    parameters: {
      type: "object",
      properties: {
        query: { type: "string" },
        limit: { type: "integer" },
        deep: { type: ["boolean", "null"] },
      },
      required: ["query"],
      additionalProperties: false,
    },
  },
};
const question = { role: "user" as const, content: "Find it." };

const base = fakeManifest();
const manifest = fakeManifest({
  model: { ...base.model, contextLength: 4096 },
  limits: { ...base.limits, contextLength: 4096 },
});
const engineOf = async (family: Family, answer: string) => {
  const chatTemplate = new ChatTemplate(TEMPLATES[family]);
  return (await fakeEngine(textScript(answer), { manifest, chatTemplate })).engine;
};

describe.each(FAMILIES)("%s", (family) => {
  it("gives text and a call, whole and streamed", async () => {
    const request = { messages: [question], tools: [search] };
    const engine = await engineOf(family, ANSWERS[family]);
    const { choices } = await engine.chat.completions.create(request);
    const [call] = choices[0]?.message.tool_calls ?? [];
    expect(choices[0]).toMatchObject({ finish_reason: "tool_calls", message: { content: "I look." } });
    expect(call?.function).toEqual({
      name: "search",
      arguments: '{"query": "first <b>\\nsecond", "limit": 3}',
    });
    let text = "";
    let json = "";
    for await (const chunk of await engine.chat.completions.create({ ...request, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? "";
      for (const delta of chunk.choices[0]?.delta.tool_calls ?? []) json += delta.function.arguments ?? "";
    }
    expect({ text, json }).toEqual({ text: "I look.", json: call?.function.arguments });
  });

  it("writes calls and results of two turns as its template does", async () => {
    const engine = await engineOf(family, "x");
    const call = (id: string, values: object) => ({
      id,
      type: "function" as const,
      function: { name: "search", arguments: JSON.stringify(values) },
    });
    const prompt = engine.applyChatTemplate(
      [
        question,
        {
          role: "assistant",
          content: "I look.",
          tool_calls: [call("1", { query: "first <b>\nsecond", limit: 3 })],
        },
        { role: "tool", tool_call_id: "1", content: "nothing" },
        {
          role: "assistant",
          content: null,
          tool_calls: [call("2", { query: "5", deep: null }), call("3", {})],
        },
        { role: "tool", tool_call_id: "2", content: "much" },
        { role: "tool", tool_call_id: "3", content: "little" },
      ],
      { variables: { tools: [search] } },
    );
    const turns = prompt.split("<|start|>").slice(1);
    expect(turns.map((turn) => turn.slice(0, turn.indexOf("\n")))).toEqual([
      ...["user", "assistant", "tool", "assistant", "tool", "tool", "assistant"],
    ]);
    expect(turns[1]).toContain("I look.");
    if (family !== "functionary-3.2") {
      expect(turns[1]).toContain(ANSWERS[family].slice("I look.\n".length));
      expect(turns[3]?.match(/<tool_call>/g)).toHaveLength(2);
      expect(turns[3]).toContain(family === "glm-4.5" ? "<arg_value>null<" : "\nNone\n");
    } else {
      expect(turns[1]).toContain('>>>search\n{"query":"first <b>\\nsecond","limit":3}');
      expect(turns[3]).toContain('>>>search\n{"query":"5","deep":null}>>>search\n{}');
    }
    expect(turns[4]).toContain("much");
  });
});

describe("the word before Functionary's text", () => {
  it("is left out without tools, too", async () => {
    const engine = await engineOf("functionary-3.2", "all\nHello");
    const { choices } = await engine.chat.completions.create({ messages: [question] });
    expect(choices[0]).toMatchObject({ finish_reason: "stop", message: { content: "Hello" } });
  });

  it("is demanded where a grammar holds the text", () => {
    const model = {
      tokenizer: byteTokenizer(),
      chatTemplate: new ChatTemplate(TEMPLATES["functionary-3.2"]),
    };
    const asked = chatRequestOf(model, { messages: [question], guided_choice: ["a", "b"] });
    expect(asked.options.grammar).toMatchObject({
      structuralTag: { format: { elements: [{ type: "const_string", value: "all\n" }, { type: "or" }] } },
    });
  });
});

describe("schemas of arguments between marks", () => {
  const grammarFor = (family: Family, parameters: Record<string, unknown>) => {
    const model = { tokenizer: byteTokenizer(), chatTemplate: new ChatTemplate(TEMPLATES[family]) };
    const tools = [{ type: "function", function: { name: "f", parameters } }];
    return chatRequestOf(model, { messages: [question], tools, tool_choice: "required" }).options.grammar;
  };

  it.each([
    [{ anyOf: [{ type: "object" }] }, "anyOf"],
    [{ type: "object", minProperties: 1 }, "minProperties"],
    [{ type: "object", patternProperties: { "^a": {} } }, "patternProperties"],
    [{ type: "array" }, "type"],
    [{ properties: { "a>b": {} } }, "properties"],
    [{ properties: { a: { type: "string", enum: ["x</parameter>"] } } }, "enum"],
    [{ properties: { a: { type: "string", pattern: "^<$" } } }, "pattern"],
  ])("%j is refused by name where a grammar is needed", (parameters, keyword) => {
    expect(() => grammarFor("qwen3-coder", parameters)).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_GRAMMAR",
        details: expect.objectContaining({ keyword }),
      }),
    );
  });

  it("may say more where arguments are JSON", () => {
    expect(grammarFor("functionary-3.2", { type: "object", minProperties: 1 })).toBeDefined();
  });
});
