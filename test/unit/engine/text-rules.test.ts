/** Languages of texts as right-linear rules. What they allow is tested over vocabularies (test/native/text-rules.test.ts). */
import { expect, test } from "vitest";
import { resolveGrammar } from "../../../lib/engine/grammar.js";
import { TextRules } from "../../../lib/engine/text-rules.js";

const rulesOf = (pattern: string): string[] => {
  const rules = new TextRules("");
  rules.plain(pattern);
  return rules.text.split("\n");
};

test.each([
  ["^ab(c|[d-f])g$", ["text_0 ::= [g]", "text_1 ::= [c] text_0 | [d-f] text_0", "text_2 ::= [a] [b] text_1"]],
  ["^a*b$", ["text_0 ::= [b]", "text_1 ::= text_0 | [a] text_1", "text_2 ::= text_1"]],
  [
    "^[ab]{1,3}c$",
    [
      "text_0 ::= [c]",
      "text_1 ::= text_0 | [a-b] text_0",
      "text_2 ::= text_0 | [a-b] text_1",
      "text_3 ::= [a-b] text_2",
    ],
  ],
])("%s: every alternative ends in the rule of what follows", (pattern, rules) => {
  expect(rulesOf(pattern)).toEqual(rules);
});

test("a long count is chunks, which no token leaves, before a chain that is longer than a token and a chunk", () => {
  const rules = rulesOf("^a{0,300}$");
  expect(rules).toHaveLength(8 + 36 + 1);
  expect(rules[0]).toBe('text_0 ::= ([a]) (= "\\x01")');
  expect(rules[7]).toBe('text_7 ::= ([a] text_6) (= "\\x01")');
  expect(rules.at(-1)).toBe("text_44 ::= text_7{0,33} text_43");
  expect(rulesOf("^a{0,10000}$").length).toBeLessThan(60);
});

test("texts of one grammar share rules", () => {
  const rules = new TextRules("");
  const short = rules.string("^[a-z]{0,20}$");
  const count = rules.text.split("\n").length;
  rules.string("^[a-z]{0,22}$");
  expect(rules.text.split("\n").length - count).toBe(3);
  expect(rules.string("^[a-z]{0,20}$")).toBe(short);
});

test("no name is part of what the schema says", () => {
  expect(new TextRules('{"text_":{"text__":1}}').prefix).toBe("text___");
});

test.each(["^(?:a?)*$", "^(?:[a-z]{20}-){30}$", `^${"ab".repeat(400)}$`])(
  "%s stays a pattern: its rules would be endless or too many",
  (pattern) => {
    expect(new TextRules("").plain(pattern)).toBeUndefined();
    expect(resolveGrammar({ type: "regex", pattern })).toMatchObject({ kind: "regex" });
  },
);

test("patterns of schemas are rules, also in structural tags", () => {
  const bounded = { type: "string", maxLength: 9 };
  const value = '{"type":"string","pattern":"x"}';
  const schema = {
    type: "object",
    properties: { a: bounded, b: { enum: [value] } },
    required: ["a", "b"],
    additionalProperties: false,
  };
  const grammar = resolveGrammar({ type: "json_schema", schema });
  expect(grammar).toMatchObject({ kind: "json_schema", prefix: "text_" });
  expect(grammar?.text).toContain('"const":"text_');
  expect(grammar?.text).toContain(JSON.stringify(value));
  expect(grammar?.text).not.toContain('"^');
  const structuralTag = {
    type: "structural_tag",
    format: { type: "json_schema", json_schema: schema },
  };
  const tag = resolveGrammar({ type: "structural_tag", structuralTag });
  expect(tag?.rules).toBe(grammar?.rules);
  expect(resolveGrammar({ type: "json_schema", schema: { type: "string" } })).toEqual({
    kind: "json_schema",
    text: '{"type":"string"}',
  });
});

test("names the rules of expressions in structural tags, apart from the compiler's own", () => {
  const regex = { type: "regex", pattern: "^a{0,9}$" };
  const elements = [regex, { type: "any_text" }];
  const grammar = resolveGrammar({
    type: "structural_tag",
    structuralTag: { type: "structural_tag", format: { type: "sequence", elements } },
  });
  expect(grammar?.prefix).toBe("text__");
  expect(JSON.parse(grammar?.text ?? "").format.elements[0]).toEqual({
    type: "json_schema",
    json_schema: { const: expect.stringMatching(/^text__\d+$/) },
  });
});
