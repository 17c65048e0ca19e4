/** The fields of OpenAI, vLLM and llama.cpp that say what an answer looks like → one grammar. */
import { expectBoolean, unexpected } from "./expectation.js";
import type { Grammar } from "./grammar.js";

type Body = Readonly<Record<string, unknown>>;

/** Fields read here. */
export const GRAMMAR_FIELDS = [
  "response_format",
  "grammar",
  "guided_json",
  "guided_regex",
  "guided_choice",
  "guided_grammar",
  "structural_tag",
] as const;

/** The grammar a body asks for; undefined for none. Errors: ERR_INVALID_ARGUMENT, also where two fields ask for one. */
export function grammarOf(body: Body): Grammar | undefined {
  const asked = GRAMMAR_FIELDS.flatMap((field) => {
    const value = body[field];
    if (value === undefined || value === null) return [];
    const grammar = READERS[field](value);
    return grammar === undefined ? [] : [{ field, grammar }];
  });
  const [first, second] = asked;
  if (second !== undefined)
    throw unexpected(second.field, `no value beside ${first?.field}`, body[second.field]);
  return first?.grammar;
}

const READERS: Readonly<Record<(typeof GRAMMAR_FIELDS)[number], (value: unknown) => Grammar | undefined>> = {
  response_format: responseFormat,
  // Its own form is checked where it becomes a grammar.
  grammar: (value) =>
    typeof value === "string"
      ? { type: "ebnf", grammar: value }
      : (expectObject("grammar", value) as Grammar),
  guided_json: (value) => ({ type: "json_schema", schema: schemaOf("guided_json", value) }),
  guided_regex: (value) => ({ type: "regex", pattern: expectString("guided_regex", value) }),
  guided_choice: (value) => {
    if (!Array.isArray(value) || !value.every((choice) => typeof choice === "string"))
      throw unexpected("guided_choice", "a list of texts", value);
    return { type: "choice", choices: value };
  },
  guided_grammar: (value) => ({ type: "ebnf", grammar: expectString("guided_grammar", value) }),
  structural_tag: (value) => ({
    type: "structural_tag",
    structuralTag:
      typeof value === "string" ? parsed("structural_tag", value) : expectObject("structural_tag", value),
  }),
};

function responseFormat(value: unknown): Grammar | undefined {
  const { type, json_schema: described, schema, ...rest } = expectObject("response_format", value) as Body;
  const [other] = Object.keys(rest).filter((field) => field !== "format");
  switch (type) {
    case "text":
      if (other !== undefined || described !== undefined || schema !== undefined)
        throw unexpected("response_format", "no field beside the type text", value);
      return undefined;
    case "json_object":
      if (other !== undefined) throw unexpected(`response_format.${other}`, "no such field", rest[other]);
      // llama.cpp's and web-llm's way to add a schema. OpenAI's json_object is an object, not any JSON.
      return {
        type: "json_schema",
        schema: schema == null ? { type: "object" } : schemaOf("response_format.schema", schema),
      };
    case "json_schema": {
      const name = "response_format.json_schema";
      const { schema: given, strict } = expectObject(name, described) as Body;
      return {
        type: "json_schema",
        schema: schemaOf(`${name}.schema`, given),
        strict: expectBoolean(`${name}.strict`, strict ?? false),
      };
    }
    case "structural_tag":
      return { type: "structural_tag", structuralTag: value as object };
    default:
      throw unexpected("response_format.type", "text, json_object, json_schema or structural_tag", type);
  }
}

function schemaOf(name: string, value: unknown): object | boolean {
  const schema = typeof value === "string" ? parsed(name, value) : value;
  return typeof schema === "boolean" ? schema : expectObject(name, schema);
}

function parsed(name: string, text: string): object {
  try {
    return expectObject(name, JSON.parse(text));
  } catch {
    throw unexpected(name, "a JSON object or its text", text);
  }
}

function expectObject(name: string, value: unknown): object {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unexpected(name, "an object", value);
  return value;
}

function expectString(name: string, value: unknown): string {
  if (typeof value !== "string" || value === "") throw unexpected(name, "a text that is not empty", value);
  return value;
}
