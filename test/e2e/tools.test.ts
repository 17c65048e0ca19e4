// Tools and typed answers with the default model and the grammar compiler: every family's grammar compiles, and what it
// allows is read as calls.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AnswerParser } from "../../lib/chat/answer-parser.js";
import { REASONING_SYNTAXES } from "../../lib/chat/reasoning-syntax.js";
import { TOOL_SYNTAXES } from "../../lib/chat/tool-families.js";
import { answerGrammar, type GrammarSyntax } from "../../lib/engine/tool-grammar.js";
import { defineTool, Engine } from "../../lib/index.js";
import { compiledModel } from "../support/compiled-model.js";

const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
if (gguf === undefined)
  console.warn("NODE_MLC_DEFAULT_MODEL is not set (npm test sets it): the default model's tests are skipped");

const model = () => compiledModel(gguf ?? "", { quantization: "keep" });
const parameters = {
  type: "object",
  properties: { on: { type: "boolean" } },
  required: ["on"],
  additionalProperties: false,
};
const tools = ["light", "heating"].map((name) => ({
  type: "function" as const,
  function: { name, description: `Switches the ${name}`, parameters, strict: true },
}));
const messages = [{ role: "user" as const, content: "Switch the light on." }];

describe.skipIf(gguf === undefined)("tools", () => {
  it("are called in every family's syntax, whole and demanded", { timeout: 300_000 }, async () => {
    await using engine = await Engine.load(await model());
    for (const syntax of [...TOOL_SYNTAXES, undefined]) {
      const channels = syntax === undefined;
      const own = { tools: syntax, reasoning: undefined, channels };
      const grammar = answerGrammar(
        undefined,
        { tools, callable: tools, required: true, parallel: false },
        { ...own, inThought: false, controlToken: () => undefined },
      );
      const { text } = await engine.generate(messages, { grammar, maxTokens: 160, temperature: 0 }).result;
      const expectation = {
        functions: new Map(["light", "heating"].map((name) => [name, parameters])),
        inThought: false,
        guaranteed: true,
      };
      const parser = new AnswerParser(own, expectation);
      const events = [...parser.push(text), ...parser.finish()];
      const name = syntax?.name ?? "channels";
      expect(parser.calls, `${name}: ${text}`).toBe(1);
      const given = events.flatMap((event) => (event.type === "arguments" ? [event.text] : [])).join("");
      expect(JSON.parse(given), name).toEqual({ on: expect.any(Boolean) });
      expect(
        events.filter((event) => event.type === "text"),
        name,
      ).toEqual([]);
    }
  });

  it("have grammars that compile in every combination", { timeout: 300_000 }, async () => {
    await using engine = await Engine.load(await model());
    const [reasoning] = REASONING_SYNTAXES;
    const thoughts: Pick<GrammarSyntax, "reasoning" | "inThought">[] = [
      { reasoning: undefined, inThought: false },
      { reasoning, inThought: true },
      { reasoning, inThought: false },
    ];
    for (const syntax of [...TOOL_SYNTAXES, undefined]) {
      for (const thought of syntax === undefined ? thoughts.slice(0, 1) : thoughts) {
        for (const use of [0, 1, 2, 3]) {
          // Its first mark as a control token, and as text.
          for (const token of [undefined, engine.tokenize("<|im_start|>", { special: true })[0]]) {
            const begin = syntax?.begin.trim() ?? "<|channel|>";
            const grammar = answerGrammar(
              undefined,
              { tools, callable: tools, required: use % 2 === 0, parallel: use < 2 },
              {
                tools: syntax,
                ...thought,
                channels: syntax === undefined,
                controlToken: (spelling) => (spelling === begin ? token : undefined),
              },
            );
            const { usage } = await engine.generate("x", { grammar, maxTokens: 1 }).result;
            expect(usage.completionTokens).toBe(1);
          }
        }
      }
    }
  });

  it("name control tokens by id, and strings of JSON never hold one", { timeout: 300_000 }, async () => {
    await using engine = await Engine.load(await model());
    const [token = 0] = engine.tokenize("<|im_start|>", { special: true });
    const options = { maxTokens: 12, temperature: 0, logitBias: { [token]: 100 } };
    const tagged = (format: object) => ({
      type: "structural_tag" as const,
      structuralTag: { type: "structural_tag", format },
    });
    const end = { type: "const_string", value: "abc" };
    const named = tagged({ type: "sequence", elements: [{ type: "token", token }, end] });
    const first = await engine.generate("x", { ...options, grammar: named, visibleTokens: ["<|im_start|>"] })
      .result;
    expect(first.text).toBe("<|im_start|>abc");
    const string = { type: "json_schema" as const, schema: { type: "string" } };
    const { tokens } = await engine.generate("x", { ...options, grammar: string }).result;
    expect(tokens.length).toBeGreaterThan(1);
    expect(tokens).not.toContain(token);
  });

  it("run by their handlers, and typed answers", { timeout: 300_000 }, async () => {
    await using engine = await Engine.load(await model());
    const seen: boolean[] = [];
    const light = defineTool({
      name: "light",
      description: "Switches the light",
      parameters: z.object({ on: z.boolean() }),
      run: ({ on }) => {
        seen.push(on);
        return { done: true };
      },
    });
    const run = await engine.chat.completions.runTools({
      messages,
      tools: [light],
      tool_choice: "required",
      parallel_tool_calls: false,
      temperature: 0,
      max_tokens: 40,
    });
    expect(seen.length).toBeGreaterThan(0);
    expect(run.messages[2]).toMatchObject({ role: "tool", content: '{"done":true}' });
    const schema = z.object({ city: z.enum(["Paris", "Rome"]), big: z.boolean() });
    const { choices } = await engine.chat.completions.parse({
      messages: [{ role: "user", content: "Is Paris big?" }],
      schema,
      temperature: 0,
    });
    expect(schema.parse(choices[0]?.message.parsed)).toEqual(choices[0]?.message.parsed);
  });
});
