/** Published schemas with values: a schema that is accepted allows what it allowed before it was rewritten. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import Ajv from "ajv";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { checkedSchema } from "../../../lib/engine/json-schema.js";
import { MlcError } from "../../../lib/errors.js";
import { allows } from "../../support/checked-schema.js";
import { sharedData } from "../../support/shared-data.js";

interface Judged {
  readonly description?: string;
  readonly data: unknown;
  readonly valid: boolean;
}

interface Group {
  readonly description: string;
  readonly schema: unknown;
  readonly tests: readonly Judged[];
}

type Validator = (value: unknown) => boolean;

const draft7 = addFormats.default(new Ajv.default({ strict: false, logger: false }));
const draft2020 = addFormats.default(new Ajv2020.default({ strict: false, logger: false }));

/** What ajv makes of a schema; undefined for draft 4 and what else it does not read. */
function reference(schema: unknown): Validator | undefined {
  const { $schema, $id, ...rest } = schema as Record<string, unknown>;
  try {
    return (String($schema).includes("2020") ? draft2020 : draft7).compile(rest) as Validator;
  } catch {
    return undefined;
  }
}

/** The checked schema; undefined where it is refused, which must be by name. */
function accepted(schema: unknown): string | undefined {
  try {
    return checkedSchema(schema);
  } catch (error) {
    if (!(error instanceof MlcError) || error.code !== "ERR_INVALID_GRAMMAR") throw error;
    expect(error.details).toMatchObject({ keyword: expect.stringMatching(/./), pointer: expect.any(String) });
    return undefined;
  }
}

const bench = sharedData("schema", "jsonschemabench.jsonl");
describe.skipIf(bench === undefined)("JSONSchemaBench", () => {
  it("is nearly all accepted, with the values that ajv or the set itself calls valid", () => {
    const lines = readFileSync(bench as string, "utf8")
      .trim()
      .split("\n");
    const wrong: string[] = [];
    let taken = 0;
    let validated = 0;
    for (const line of lines) {
      const { name, schema, tests } = JSON.parse(line) as Group & { name: string };
      const text = accepted(schema);
      if (text === undefined) continue;
      taken += 1;
      const isValid = reference(schema);
      if (isValid !== undefined) validated += 1;
      for (const { data, valid } of tests) {
        // Where formats are concerned the two differ in places; then either will do.
        if (![isValid?.(data) ?? valid, valid].includes(allows(text, data))) {
          wrong.push(`${name}: ${JSON.stringify(data)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(taken).toBeGreaterThan(lines.length * 0.95);
    expect(validated).toBeGreaterThan(taken * 0.9);
  });
});

const suite = sharedData("schema", "JSON-Schema-Test-Suite", "draft2020-12");
describe.skipIf(suite === undefined)("JSON Schema Test Suite", () => {
  const groupsOf = (folder: string): [file: string, groups: readonly Group[]][] =>
    readdirSync(path.join(suite as string, folder))
      .filter((file) => file.endsWith(".json"))
      .map((file) => [
        path.join(folder, file),
        JSON.parse(readFileSync(path.join(suite as string, folder, file), "utf8")) as Group[],
      ]);

  it.each([
    [".", 220],
    ["optional", 30],
  ])("holds for what is accepted in %s", (folder, least) => {
    const wrong: string[] = [];
    let taken = 0;
    for (const [file, groups] of groupsOf(folder)) {
      // Formats are enforced here, which the standard leaves open.
      if (file === "format.json") continue;
      for (const { description, schema, tests } of groups) {
        // Vocabularies, which can switch keywords off, are not read.
        if (description.includes("no validation vocabulary")) continue;
        const text = accepted(schema);
        if (text === undefined) continue;
        taken += 1;
        for (const { data, valid, description: value } of tests) {
          if (allows(text, data) !== valid) wrong.push(`${file}: ${description}: ${value}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(taken).toBeGreaterThan(least);
  });

  it("has no text that a format allows here and neither ajv nor the suite does", () => {
    const wrong: string[] = [];
    const useless: string[] = [];
    for (const [file, groups] of groupsOf("optional/format")) {
      for (const { schema, tests } of groups) {
        const text = accepted(schema);
        const isValid = reference(schema);
        if (text === undefined || isValid === undefined) continue;
        const allowed = tests.filter(({ data }) => typeof data === "string" && allows(text, data));
        wrong.push(
          ...allowed
            .filter(({ data, valid }) => !valid && !isValid(data))
            .map(({ data }) => `${file}: ${data}`),
        );
        if (!allowed.some(({ valid }) => valid)) useless.push(file);
      }
    }
    expect(wrong).toEqual([]);
    expect(useless).toEqual([]);
  });
});
