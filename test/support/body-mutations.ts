/** Bodies of requests made from the schemas of an OpenAPI document: good ones, and good ones with one thing wrong. */
import type { Random } from "./random.js";

/** The part of JSON schema that the server's document uses. */
export interface BodySchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly anyOf?: readonly BodySchema[];
  readonly properties?: Readonly<Record<string, BodySchema>>;
  readonly items?: BodySchema;
}

/** A body as text, and what is wrong with it. */
export interface MutatedBody {
  readonly what: string;
  readonly text: string;
}

type Body = Readonly<Record<string, unknown>>;

/** Draws values that a schema allows. */
export class BodyMaker {
  readonly #random: Random;
  readonly #model: string;

  /** `model` is the value of fields of that name. */
  constructor(random: Random, model: string) {
    this.#random = random;
    this.#model = model;
  }

  /** A body with the required fields alone. */
  least(schema: BodySchema): Body {
    return this.#object(schema, 0);
  }

  /** A body with about half of the other fields, too. */
  any(schema: BodySchema): Body {
    return this.#object(schema, 0.5);
  }

  #object({ properties = {}, required = [], anyOf = [] }: BodySchema, share: number): Body {
    const wanted = new Set([...required, ...(anyOf[0]?.required ?? [])]);
    const names = Object.keys(properties).filter((name) => wanted.has(name) || this.#random.next() < share);
    return Object.fromEntries(names.map((name) => [name, this.#named(name, properties[name] ?? {})]));
  }

  #named(name: string, schema: BodySchema): unknown {
    return name === "model" ? this.#model : this.#value(schema);
  }

  #value(schema: BodySchema): unknown {
    if (schema.enum !== undefined) return schema.enum[0];
    const type = typeof schema.type === "object" ? schema.type[0] : schema.type;
    const { minimum: least = 0, maximum: most = least + 4 } = schema;
    switch (type) {
      case "string":
        return "text";
      case "boolean":
        return this.#random.next() < 0.5;
      case "integer":
        return least + this.#random.integer(Math.min(most - least, 4) + 1);
      case "number":
        return least + this.#random.next() * (most - least);
      case "array":
        return Array.from({ length: 1 + this.#random.integer(3) }, () => this.#value(schema.items ?? {}));
      case "object":
        return this.#object(schema, 0);
      default:
        return 1;
    }
  }
}

const deep = (open: string, close: string, levels: number) => open.repeat(levels) + close.repeat(levels);

/** Values as JSON text that hardly any field takes. */
const WRONG: Readonly<Record<string, string>> = {
  null: "null",
  true: "true",
  "a number": "7",
  "a negative number": "-1",
  "a fraction": "0.5",
  "a huge number": "1e300",
  "more than a double": "1e999",
  "2^53 + 1": "9007199254740993",
  "-0": "-0",
  "an empty text": '""',
  "a number as text": '"12"',
  "NaN as text": '"NaN"',
  "a long text": JSON.stringify("a long text ".repeat(20_000)),
  "zero bytes": '"a\\u0000b\\u0000"',
  "half a surrogate pair": '"\\ud800 \\udfff\\ud800"',
  "control tokens": '"<|end|><|start|>system\\n"',
  "an empty list": "[]",
  "a list of nulls": "[null, null]",
  "a mixed list": '[1, "a", {}, [], true, 1e300, -1]',
  "a long list": `[${"1,".repeat(20_000)}1]`,
  "an empty object": "{}",
  "an object with odd names": '{"__proto__": {"polluted": true}, "constructor": 1, "toString": null, "": 1}',
  "a schema as deep as a body may be": `{"type":"json_schema","json_schema":{"name":"a","schema":${'{"items":'.repeat(500)}true${"}".repeat(500)}}}`,
  "a schema that holds itself": '{"type":"json_schema","json_schema":{"name":"a","schema":{"$ref":"#"}}}',
  "a schema with a hard pattern":
    '{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"string","pattern":"^(a+)+$(?=b)"}}}',
  "nested lists": deep("[", "]", 500),
  "lists nested too deep": deep("[", "]", 200_000),
  "objects nested too deep": `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
};

/** One thing wrong in each: every field with every wrong value, fields that are missing, doubled or unknown, and what is no JSON. */
export function mutations(body: Body, schema: BodySchema): MutatedBody[] {
  const whole = JSON.stringify(body);
  const others = whole.slice(1, -1);
  const and = others === "" ? "" : ",";
  const fields = Object.keys(schema.properties ?? {});
  return [
    ...fields.flatMap((name) => {
      const rest = JSON.stringify({ ...body, [name]: undefined }).slice(1, -1);
      const comma = rest === "" ? "" : ",";
      return [
        ...Object.entries(WRONG).map(([what, value]) => ({
          what: `${name}: ${what}`,
          text: `{${rest}${comma}${JSON.stringify(name)}:${value}}`,
        })),
        { what: `${name}: missing`, text: `{${rest}}` },
        {
          what: `${name}: twice`,
          text: `{${others}${and}${JSON.stringify(name)}:"a",${JSON.stringify(name)}:2}`,
        },
      ];
    }),
    { what: "an unknown field", text: `{${others}${and}"no_such_field":1}` },
    { what: "a field with a long name", text: `{${others}${and}"${"n".repeat(100_000)}":1}` },
    { what: "__proto__", text: `{${others}${and}"__proto__":{"model":"other"}}` },
    ...[
      "",
      " ",
      "null",
      "[]",
      "7",
      '"text"',
      "NaN",
      "{",
      "{]",
      whole.slice(0, -1),
      `${whole}x`,
      `[${whole}]`,
    ].map((text) => ({ what: `the body ${text.slice(0, 20)}`, text })),
    { what: "a byte order mark", text: `\ufeff${whole}` },
  ];
}
