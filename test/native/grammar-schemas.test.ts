// Published schemas (JSONSchemaBench) as grammars over a real vocabulary: every valid instance can be written, no invalid one.
import { readFileSync } from "node:fs";
import path from "node:path";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { expect, test } from "vitest";
import { resolveGrammar } from "../../lib/engine/grammar.js";
import { Tokenizer } from "../../lib/tokenizer/tokenizer.js";
import { vocabularyEngine, wholeTexts } from "../support/grammar-engine.js";
import { sharedData } from "../support/shared-data.js";

const bench = sharedData("schema", "jsonschemabench.jsonl");
const vocabulary = sharedData("tokenizers", "smollm2");

interface Instance {
  readonly valid: boolean;
  readonly data: unknown;
}

const ajv = addFormats.default(new Ajv.default({ strict: false, logger: false }));

/** Whether ajv, whose formats are ours, takes an instance that the bench calls invalid ("://" as a relative reference). */
function takenByAjv(schema: object, data: unknown): boolean {
  const { $schema: _, ...rest } = schema as Record<string, unknown>;
  return ajv.validate(rest, data);
}

/** Names in the order in which a checked schema declares them. */
function declared(schema: string): string[] {
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [keyword, value] of Object.entries(node)) {
      if (keyword === "properties") for (const name of Object.keys(value)) names.add(name);
      visit(value);
    }
  };
  visit(JSON.parse(schema));
  return [...names];
}

/** The instance with its properties in that order: a grammar writes them so. */
function inOrder(value: unknown, names: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => inOrder(item, names));
  if (typeof value !== "object" || value === null) return value;
  const place = (name: string) => (names.includes(name) ? names.indexOf(name) : names.length);
  const entries = Object.entries(value).sort(([a], [b]) => place(a) - place(b));
  return Object.fromEntries(entries.map(([name, inner]) => [name, inOrder(inner, names)]));
}

/** Every fifth schema; all of them with NODE_MLC_ALL_SCHEMAS=1 (minutes: the largest grammars take seconds each). */
const STEP = process.env.NODE_MLC_ALL_SCHEMAS === "1" ? 1 : 5;

/** Valid instances that cannot be written all the same: numbers with more digits than are allowed, rare forms of formats. */
const MOST_VALID_REFUSED = 0.05;

test.skipIf(bench === undefined || vocabulary === undefined)(
  "JSONSchemaBench: instances against masks",
  { timeout: 900_000 },
  async () => {
    const tokenizer = await Tokenizer.load(path.join(vocabulary ?? "", "tokenizer.json"));
    const running = await vocabularyEngine(tokenizer, tokenizer.tokenToId("<|im_end|>") ?? -1);
    const counts = {
      schemas: 0,
      refused: 0,
      validAllowed: 0,
      validRefused: 0,
      invalidAllowed: 0,
      invalidRefused: 0,
    };
    const odd: string[] = [];
    const lines = readFileSync(bench ?? "", "utf8")
      .trim()
      .split("\n");
    for (const line of lines.filter((_, index) => index % STEP === 0)) {
      const { name, schema, tests } = JSON.parse(line) as { name: string; schema: object; tests: Instance[] };
      counts.schemas++;
      let grammar: ReturnType<typeof resolveGrammar>;
      try {
        grammar = resolveGrammar({ type: "json_schema", schema });
      } catch {
        counts.refused++;
        continue;
      }
      if (grammar === undefined) throw new Error("no grammar");
      const names = declared(grammar.text);
      const tokens = (data: unknown) =>
        Int32Array.from(tokenizer.encode(JSON.stringify(data), { addSpecial: false }));
      const given = await wholeTexts(
        running,
        grammar,
        tests.map(({ data }) => tokens(data)),
      );
      const ordered = await wholeTexts(
        running,
        grammar,
        tests.map(({ data }) => tokens(inOrder(data, names))),
      );
      const allowed = given.map((whole, index) => whole || ordered[index] === true);
      for (const [index, instance] of tests.entries()) {
        const { data } = instance;
        const valid = instance.valid || (allowed[index] === true && takenByAjv(schema, data));
        counts[`${valid ? "valid" : "invalid"}${allowed[index] ? "Allowed" : "Refused"}`]++;
        if (allowed[index] !== valid)
          odd.push(`${valid ? "+" : "-"} ${name} ${JSON.stringify(data).slice(0, 150)}`);
      }
    }
    await running.engine.dispose();
    console.log(counts);
    expect(counts.invalidAllowed, odd.join("\n")).toBe(0);
    expect(counts.invalidRefused).toBeGreaterThan(50);
    const valid = counts.validAllowed + counts.validRefused;
    expect(counts.validRefused / valid, odd.join("\n")).toBeLessThan(MOST_VALID_REFUSED);
  },
);
