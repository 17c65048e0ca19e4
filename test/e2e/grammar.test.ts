/** Answers held to grammars, on real models: every answer at temperature 1 is in its language, whatever the model would say. */
import path from "node:path";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Engine, type Grammar } from "../../lib/index.js";
import { compiledModel } from "../support/compiled-model.js";
import { sharedData } from "../support/shared-data.js";

const stories = sharedData("stories260K");
const gguf = process.env.NODE_MLC_DEFAULT_MODEL;
if (gguf === undefined)
  console.warn("NODE_MLC_DEFAULT_MODEL is not set (npm test sets it): the default model's tests are skipped");

const SCHEMA = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 12, pattern: "^[A-Z][a-zé ]*$" },
    age: { type: "integer", minimum: 0, maximum: 120 },
    born: { type: "string", format: "date" },
    tags: { type: "array", items: { enum: ["red", "grün", null, 7] }, minItems: 1, maxItems: 3 },
    more: { $ref: "#/$defs/pair" },
  },
  required: ["name", "age", "born", "tags", "more"],
  additionalProperties: false,
  $defs: {
    pair: {
      type: "object",
      properties: { left: { anyOf: [{ type: "boolean" }, { $ref: "#/$defs/leaf" }] } },
      required: ["left"],
      additionalProperties: false,
    },
    leaf: { type: "string", enum: ["leaf", "tree"] },
  },
} as const;

const models = [
  ["stories260K", stories && path.join(stories, "hf"), "q0f32"],
  ["SmolLM2", gguf, "keep"],
] as const;

describe.each(models)("%s", (_, source, quantization) => {
  describe.skipIf(source === undefined)("grammars", () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await Engine.load(await compiledModel(source ?? "", { quantization }), { threads: 2 });
    });
    afterAll(async () => {
      await engine?.dispose();
    });

    const prompt = "Tom went to the park and";
    const answer = (grammar: Grammar, options = {}) =>
      engine.generate(prompt, { grammar, temperature: 1, seed: 1, maxTokens: 450, ...options }).result;

    it("JSON of a schema is valid, and the answer stops there", async () => {
      const valid = addFormats.default(new Ajv2020.default({ strict: false })).compile(SCHEMA);
      const grammar: Grammar = { type: "json_schema", schema: SCHEMA };
      const results = await Promise.all(
        Array.from({ length: 6 }, (_, seed) =>
          answer(grammar, { seed, logprobs: seed === 0 ? 2 : undefined }),
        ),
      );
      for (const { text, finishReason } of results) {
        expect(finishReason, text).toBe("stop");
        expect(valid(JSON.parse(text)), text).toBe(true);
      }
      const [first] = results;
      expect(first?.logprobs).toHaveLength(first?.tokens.length ?? -1);
    });

    it("expressions, choices, EBNF and structural tags", async () => {
      const expression = await answer({ type: "regex", pattern: "(\\d{2}-){2}[äß]{1,2}\\n?" });
      expect(expression.text).toMatch(/^(\d{2}-){2}[äß]{1,2}\n?$/);
      const choices = ['"yes"\\', "nein\n", "はい"];
      for (const choice of choices) {
        expect((await answer({ type: "choice", choices: [choice] })).text).toBe(choice);
      }
      expect(choices).toContain((await answer({ type: "choice", choices }, { seed: 9 })).text);
      const ebnf = await answer({
        type: "ebnf",
        grammar: 'start ::= pair ("," pair){0,3}\npair ::= [a-c] "=" [0-9]',
        root: "start",
      });
      expect(ebnf.text).toMatch(/^[a-c]=\d(,[a-c]=\d){0,3}$/);
      const content = {
        type: "json_schema",
        json_schema: { type: "array", items: { type: "boolean" }, maxItems: 2 },
      };
      const tag = await answer({
        type: "structural_tag",
        structuralTag: {
          type: "structural_tag",
          format: { type: "tag", begin: "<f>", content, end: "</f>" },
        },
      });
      const inner = /^<f>(.*)<\/f>$/s.exec(tag.text)?.[1];
      expect(Array.isArray(JSON.parse(inner ?? "")), tag.text).toBe(true);
    });

    it("a request beside one with a grammar gives the very tokens and log-probabilities it gives alone", async () => {
      const free = { temperature: 0.8, seed: 5, maxTokens: 40, logprobs: 1, ignoreEos: true } as const;
      const alone = await engine.generate("Once upon a time", free).result;
      const [beside, held] = await Promise.all([
        engine.generate("Once upon a time", free).result,
        answer({ type: "json_schema", schema: SCHEMA }),
      ]);
      expect(beside.tokens).toEqual(alone.tokens);
      expect(beside.logprobs).toEqual(alone.logprobs);
      expect(JSON.parse(held.text)).toHaveProperty("name");
    });

    it("minTokens, logitBias, stop texts and the end of tokens work beside it", async () => {
      const choice = { type: "choice", choices: ["yes", "no"] } as const;
      expect((await answer(choice, { minTokens: 50 })).text).toMatch(/^(yes|no)$/);
      expect((await answer(choice, { ignoreEos: true })).text).toMatch(/^(yes|no)$/);
      const either = { type: "regex", pattern: "[ab]" } as const;
      const liked = (await answer(either, { temperature: 0 })).tokens[0] ?? -1;
      const other = await answer(either, { temperature: 0, logitBias: { [liked]: -100 } });
      expect(other.text).toMatch(/^[ab]$/);
      expect(other.tokens[0]).not.toBe(liked);
      const cut = await answer({ type: "regex", pattern: "[ab]{3}STOP[cd]{3}" }, { stop: "STOP" });
      expect(cut.text).toMatch(/^[ab]{3}$/);
      expect(cut.finishReason).toBe("stop");
      const short = await answer({ type: "regex", pattern: "x{500}" }, { maxTokens: 3 });
      expect(short.finishReason).toBe("length");
      expect(short.text).toMatch(/^x+$/);
    });

    it("a grammar that is wrong fails its request alone; an abort while one is compiled works", async () => {
      const wrong = answer({ type: "ebnf", grammar: 'root ::= "x" (' });
      const right = answer({ type: "choice", choices: ["right"] });
      await expect(wrong).rejects.toMatchObject({ code: "ERR_INVALID_GRAMMAR" });
      await expect(wrong).rejects.not.toThrow(/\.cc/);
      expect((await right).text).toBe("right");
      const unknown = { type: "array", uniqueItems: true };
      expect(() => engine.generate("a", { grammar: { type: "json_schema", schema: unknown } })).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_GRAMMAR" }),
      );
      const slow: Grammar = { type: "regex", pattern: "(a|b|c[0-9]{1,400}){1,40}x" };
      const controller = new AbortController();
      const aborted = engine.generate(prompt, { grammar: slow, signal: controller.signal, maxTokens: 4 });
      const ended = engine.generate(prompt, { grammar: slow, maxTokens: 4 });
      controller.abort();
      ended.abort();
      await expect(aborted.result).rejects.toMatchObject({ code: "ERR_ABORTED" });
      expect((await ended.result).finishReason).toBe("abort");
      expect((await answer({ type: "choice", choices: ["after"] })).text).toBe("after");
    });
  });
});
