// Texts of limited length and patterns as rules: over bytes and over a real vocabulary they allow what expressions allow.
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveGrammar } from "../../lib/engine/grammar.js";
import type { NativeGrammar } from "../../lib/ffi/index.js";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.js";
import type { RunningEngine } from "../support/fake-model.js";
import { byteEngine, byteTokens, vocabularyEngine, wholeTexts } from "../support/grammar-engine.js";
import { sharedData } from "../support/shared-data.js";

function resolved(schema: object): NativeGrammar {
  const grammar = resolveGrammar({ type: "json_schema", schema });
  if (grammar === undefined) throw new Error("no grammar");
  expect(grammar.rules).toBeDefined();
  return grammar;
}

/** Texts of JSON strings with `length` characters, some of several bytes and some escaped. */
const texts = (length: number): string[] => [
  "a".repeat(length),
  [..."é😀z".repeat(length)].slice(0, length).join(""),
  '\n"\\'.repeat(length).slice(0, length),
  "\u0001\u001f".repeat(length).slice(0, length),
];

describe("over bytes", () => {
  let running: RunningEngine;
  beforeAll(async () => {
    running = await byteEngine();
  });
  afterAll(() => running.engine.dispose());
  const allowed = (schema: object, values: readonly unknown[]) =>
    wholeTexts(
      running,
      resolved(schema),
      values.map((value) => byteTokens(JSON.stringify(value))),
    );

  it.each([
    [0, 1],
    [1, 5],
    [0, 38],
    [0, 39],
    [0, 40],
    [2, 47],
    [0, 48],
    [7, 300],
    [299, 300],
    [300, 300],
  ])("lengths from %i to %i", async (minLength, maxLength) => {
    const schema = { type: "string", minLength, maxLength };
    const lengths = [
      ...new Set([
        0,
        1,
        2,
        7,
        8,
        9,
        31,
        32,
        33,
        minLength - 1,
        minLength,
        maxLength - 1,
        maxLength,
        maxLength + 1,
      ]),
    ].filter((length) => length >= 0);
    const values = lengths.flatMap(texts);
    const expected = values.map((value) => {
      const { length } = [...value];
      return minLength <= length && length <= maxLength;
    });
    expect(await allowed(schema, values)).toEqual(expected);
  });

  it.each([
    "^[a-c]{2,60}-[0-9]+$",
    "^(?:ab|c)*d?$",
    "^(?:[a-c]{1,3} )+$",
    "b{45,50}",
    "^(?:a|bc){0,70}$",
    "^a$|^b",
    "^[^a]*$",
  ])("the pattern %s", async (pattern) => {
    const letters = ["a", "b", "c", "ab", "d", " ", "-", "7", "\n", '"', "é"];
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const values = [
      ...[1, 2, 44, 45, 50, 51, 59, 60, 61, 70, 71, 140].flatMap((count) => [
        "a".repeat(count),
        "b".repeat(count),
        `${"c".repeat(count)}-1`,
        "bc".repeat(count),
        "abc ".repeat(count),
      ]),
      ...Array.from({ length: 200 }, () =>
        Array.from({ length: random(12) }, () => letters[random(letters.length)]).join(""),
      ),
    ];
    const expected = values.map((value) => new RegExp(pattern, "u").test(value));
    expect(expected).toContain(true);
    expect(await allowed({ type: "string", pattern }, values)).toEqual(expected);
  });

  it("within objects, lists and structural tags, beside texts that look like names of rules", async () => {
    const schema = {
      type: "object",
      properties: {
        text_0: { type: "string", maxLength: 2 },
        list: { type: "array", items: { type: "string", minLength: 1, maxLength: 50 } },
        kind: { enum: ["text_1", "x"] },
      },
      required: ["text_0", "list", "kind"],
      additionalProperties: false,
    };
    const good = { text_0: "ab", list: ["a".repeat(50), "b"], kind: "text_1" };
    const values = [
      good,
      { ...good, text_0: "abc" },
      { ...good, list: ["a".repeat(51)] },
      { ...good, list: [""] },
    ];
    expect(await allowed(schema, values)).toEqual([true, false, false, false]);
    const grammar = resolveGrammar({
      type: "structural_tag",
      structuralTag: {
        type: "structural_tag",
        format: {
          type: "triggered_tags",
          triggers: ["<call>"],
          tags: [
            {
              type: "tag",
              begin: "<call>",
              content: { type: "json_schema", json_schema: schema },
              end: "</call>",
            },
          ],
        },
      },
    });
    const tagged = values.map((value) => byteTokens(`so <call>${JSON.stringify(value)}</call> it is`));
    expect(await wholeTexts(running, grammar as NativeGrammar, tagged)).toEqual([true, false, false, false]);
  });

  it("beside names and values of any characters, and in open objects", async () => {
    const odd = 'na"ïve\n\\]-^日本😀\u0001';
    const schema = {
      type: "object",
      properties: {
        [odd]: { type: "string", minLength: 1, maxLength: 60 },
        list: { type: "array", items: { enum: [odd, null, 1.5, "[a-z]{0,3}"] } },
        when: { type: "string", format: "date-time" },
        any: {},
        count: { type: "integer", minimum: -3, maximum: 300 },
      },
      required: [odd],
    };
    const good = {
      [odd]: "x".repeat(60),
      list: [odd, null, 1.5],
      when: "2026-11-23T10:00:00Z",
      any: { a: [1] },
    };
    const values = [
      good,
      { ...good, count: 300 },
      { ...good, count: 301 },
      { ...good, other: odd },
      { ...good, [odd]: "" },
      { ...good, list: ["[a-z]{0,4}"] },
    ];
    expect(await allowed(schema, values)).toEqual([true, true, false, true, false, false]);
  });

  it("rules need a prefix, and constants that are its names", async () => {
    const rules = "text_0 ::= [a]";
    const match = (grammar: object) =>
      running.engine.matchGrammar(grammar as NativeGrammar, [byteTokens('"a')]);
    const schema = { kind: "json_schema", text: '{"const":"text_0"}', rules };
    expect(() => match(schema)).toThrow(/'prefix'/);
    expect(() => match({ ...schema, prefix: "" })).toThrow(/'prefix'/);
    await expect(match({ ...schema, prefix: "ext_" })).rejects.toMatchObject({ code: "ERR_NATIVE" });
    await expect(match({ ...schema, prefix: "text_", rules: "text_1 ::= [a]" })).rejects.toMatchObject({
      code: "ERR_INVALID_GRAMMAR",
    });
  });

  it("expressions for whole answers", async () => {
    const grammar = resolveGrammar({ type: "regex", pattern: "[^,]{0,100}(?:,x)?" });
    expect(grammar?.kind).toBe("ebnf");
    const values = ["", "a".repeat(100), "a".repeat(101), `${"\0é".repeat(50)},x`, ",y"];
    expect(await wholeTexts(running, grammar as NativeGrammar, values.map(byteTokens))).toEqual([
      ...[true, true, false, true, false],
    ]);
  });
});

const vocabulary = sharedData("tokenizers", "smollm2");
describe.skipIf(vocabulary === undefined)("over the vocabulary of SmolLM2", () => {
  it("a token goes on over the end of a chunk, and none over the limit", async () => {
    const tokenizer = await Tokenizer.load(path.join(vocabulary ?? "", "tokenizer.json"));
    const running = await vocabularyEngine(tokenizer, tokenizer.tokenToId("<|im_end|>") ?? -1);
    const prose =
      "It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife. However little known the feelings or views of such a man may be on his first entering a neighbourhood, this truth is so well fixed in the minds of the surrounding families, that he is considered the rightful property of some one or other of their daughters.";
    const values = Array.from({ length: 100 }, (_, at) => prose.slice(0, 210 + at)).flatMap((text) => [
      text,
      `${text.slice(7)}"\n\\`,
    ]);
    const rows = values.map((value) =>
      Int32Array.from(tokenizer.encode(JSON.stringify(value), { addSpecial: false })),
    );
    expect(await wholeTexts(running, resolved({ type: "string", maxLength: 260 }), rows)).toEqual(
      values.map((value) => value.length <= 260),
    );
    await running.engine.dispose();
  });
});
