import { expect, test } from "vitest";
import { type Grammar, resolveGrammar } from "../../../lib/engine/grammar.js";
import { textPattern } from "../../../lib/engine/json-schema-text.js";
import { END, fakeEngine, textScript } from "../../support/fake-engine.js";

const refusal = (grammar: unknown) => {
  try {
    resolveGrammar(grammar as Grammar);
  } catch (error) {
    return error;
  }
  return undefined;
};

test("schemas are checked keyword by keyword, those in structural tags too", () => {
  const schema = { type: "integer", minimum: 1, title: "left out" };
  const resolved = resolveGrammar({ type: "json_schema", schema });
  expect(resolved?.kind).toBe("json_schema");
  expect(JSON.parse(resolved?.text ?? "")).toEqual({ type: "integer", minimum: 1 });
  const format = (content: object) => ({
    type: "structural_tag",
    format: { type: "sequence", elements: [{ type: "tag", begin: "<f>", content, end: "</f>" }] },
  });
  const tag = resolveGrammar({
    type: "structural_tag",
    structuralTag: format({ type: "json_schema", json_schema: schema }),
  });
  expect(JSON.parse(tag?.text ?? "")).toEqual(
    format({ type: "json_schema", json_schema: { type: "integer", minimum: 1 }, max_whitespace_cnt: 8 }),
  );
  const unenforceable = { type: "array", uniqueItems: true };
  for (const grammar of [
    { type: "json_schema", schema: unenforceable },
    {
      type: "structural_tag",
      structuralTag: format({ type: "json_schema", json_schema: unenforceable }),
    },
  ]) {
    expect(refusal(grammar)).toMatchObject({
      code: "ERR_INVALID_GRAMMAR",
      details: { keyword: "uniqueItems" },
    });
  }
  expect(refusal({ type: "json_schema", schema: { type: "object" }, strict: true })).toMatchObject({
    code: "ERR_INVALID_GRAMMAR",
  });
});

test("choices become one rule of literals", () => {
  expect(resolveGrammar({ type: "choice", choices: ["yes", "no", "yes"] })).toEqual({
    kind: "ebnf",
    text: 'root ::= "yes" | "no"',
    root: "root",
  });
  expect(resolveGrammar({ type: "choice", choices: ['"\\\n\u007f\u0085é😀'] })?.text).toBe(
    'root ::= "\\"\\\\\\x0a\\x7f\\x85é😀"',
  );
});

test("expressions are those of ECMAScript, over the whole text, anchored or not", () => {
  expect(textPattern("^a+$")).toBe(textPattern("a+"));
  expect(textPattern("a|b")).toBe("(?:a|b)");
  expect(textPattern('"\\d"')).toBe('"[0-9]"');
  const text = (pattern: string) => resolveGrammar({ type: "regex", pattern })?.text;
  expect(text("^a+$")).toBe(text("a+"));
  expect(text("a|b")).toBe("text_0 ::= [a] | [b]");
});

test.each([
  ["no object", "json"],
  ["an unknown type", { type: "yaml" }],
  ["a name of Object.prototype", { type: "toString" }],
  ["an unknown field", { type: "json", schema: {} }],
  ["a schema that is none", { type: "json_schema", schema: 3 }],
  ["strict that is no boolean", { type: "json_schema", schema: {}, strict: 1 }],
  ["a root that is no name", { type: "ebnf", grammar: 'root ::= "a"', root: "a b" }],
  ["a grammar that is no text", { type: "ebnf", grammar: 7 }],
  ["deep groups", { type: "ebnf", grammar: `root ::= ${"(".repeat(5000)}"a"${")".repeat(5000)}` }],
  [
    "too many rules",
    { type: "ebnf", grammar: Array.from({ length: 5001 }, (_, i) => `r${i} ::= "a"`).join("\n") },
  ],
  ["huge repetitions", { type: "ebnf", grammar: 'root ::= "a"{1000000}' }],
  ["a grammar that is too long", { type: "ebnf", grammar: `root ::= "${"a".repeat(1_000_001)}"` }],
  ["lookahead", { type: "regex", pattern: "(?=a)b" }],
  ["an open group", { type: "regex", pattern: "(a" }],
  ["an anchor inside", { type: "regex", pattern: "a^b" }],
  ["no choice", { type: "choice", choices: [] }],
  ["half a surrogate pair", { type: "choice", choices: ["\ud800"] }],
  ["a structural tag of another type", { type: "structural_tag", structuralTag: { type: "tag" } }],
])("refused: %s", (_, grammar) => {
  expect(refusal(grammar)).toMatchObject({ code: "ERR_INVALID_GRAMMAR", status: 400 });
});

test("parentheses and braces within literals, classes and comments do not count", () => {
  const grammar = `root ::= "${"(".repeat(300)}" [({] "{99999999}" # ${"(".repeat(300)}`;
  expect(resolveGrammar({ type: "ebnf", grammar })?.text).toBe(grammar);
});

test("the engine gets its vocabulary with the first grammar, once, without texts of control tokens", async () => {
  const { engine, native } = await fakeEngine(textScript("[]"));
  await engine.generate("a").result;
  expect(native.vocabularies).toHaveLength(0);
  const grammar = { type: "json" } as const;
  expect((await engine.generate("a", { grammar }).result).text).toBe("[]");
  await engine.generate("a", { grammar }).result;
  expect(native.vocabularies).toHaveLength(1);
  const [vocabulary] = native.vocabularies;
  expect([...(vocabulary?.stopTokens ?? [])]).toEqual([END]);
  expect([...(vocabulary?.lengths ?? [])]).toEqual([...new Array(258).fill(1), 0, 0]);
  expect([...(vocabulary?.bytes ?? [])]).toEqual([
    ...Array.from({ length: 256 }, (_, byte) => byte),
    // The two control tokens: a byte that no text holds.
    0xff,
    0xff,
  ]);
  expect(native.requests.map((request) => request.grammar)).toEqual([
    undefined,
    { kind: "json_schema", text: "{}" },
    { kind: "json_schema", text: "{}" },
  ]);
});

test("a refused grammar leaves no request behind", async () => {
  const { engine, native } = await fakeEngine(textScript("x"));
  const grammar = { type: "json_schema", schema: { type: "array", contains: {} } } as const;
  expect(() => engine.generate("a", { grammar })).toThrow(/contains/);
  expect(native.requests).toHaveLength(0);
  expect(engine.stats().requests).toBe(0);
});
