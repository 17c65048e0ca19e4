/** Patterns, formats and lengths of strings, as expressions over the text between the quotes. */
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { checkedSchema } from "../../../lib/engine/json-schema.js";
import { ENFORCED_FORMATS } from "../../../lib/engine/json-schema-formats.js";
import { allows } from "../../support/checked-schema.js";
import { Random } from "../../support/random.js";

const fitting = (schema: object, texts: readonly string[]): string[] => {
  const checked = checkedSchema({ type: "string", ...schema });
  return texts.filter((text) => allows(checked, text));
};

/** Texts of characters that patterns, classes and JSON treat in ways of their own. */
const texts = (() => {
  const random = new Random(7);
  const characters = [...'aabbc01AZ_ -^]\\"/.\n\t\r\u0000\u0001\u001fé\u00a0\u2028😀$'];
  const drawn = Array.from({ length: 600 }, () =>
    Array.from({ length: random.integer(6) }, () => characters[random.integer(characters.length)]).join(""),
  );
  return [...new Set([...drawn, ...characters, "aaaa", "ab-ab", "12:34"])];
})();

describe("a pattern", () => {
  it.each([
    "a",
    "^a",
    "a$",
    "^a$",
    "^a|b$",
    "^(a|b)$",
    "^(?:ab*|c+?)$",
    "^(?<name>a)b?$",
    "^(?:^a$|^b$)$",
    "^a{2}$",
    "^a{2,}$",
    "^[ab]{1,3}$",
    "^(ab?){0,2}$",
    "^.$",
    "^.*$",
    "^[^]$",
    "^[^a]$",
    "^[^\\s]+$",
    "^\\d$",
    "^\\D$",
    "^\\w+$",
    "^\\W+$",
    "^\\s+$",
    "^\\S+$",
    "^[\\]^\\\\-]$",
    "^[a\\-^]+$",
    "^[\\^a-c]$",
    "^[A-z]$",
    "^[\\w-]+$",
    "^[\\u0000-\\u001f]$",
    '^["\\\\]$',
    "^\\x41$",
    "^\\u0061$",
    "^\\ud83d\\ude00$",
    "^[\\n\\r\\t\\f\\v\\0]$",
    "^\\cJ$",
    "^[\\b]$",
    "^\\/$",
    "^\\.$",
    "^😀?$",
    "",
    "|a",
    "^$",
    "^\\$$",
  ])("%j means what it means to JavaScript", (pattern) => {
    const expression = new RegExp(pattern, "u");
    expect(fitting({ pattern }, texts)).toEqual(texts.filter((text) => expression.test(text)));
  });

  it("is shortened or lengthened where one repetition decides", () => {
    expect(fitting({ pattern: "^a*$", minLength: 2, maxLength: 3 }, ["a", "aa", "aaa", "aaaa"])).toEqual([
      "aa",
      "aaa",
    ]);
    expect(fitting({ pattern: "^x-[a-z]+$", maxLength: 4 }, ["x-", "x-a", "x-ab", "x-abc"])).toEqual([
      "x-a",
      "x-ab",
    ]);
    expect(fitting({ pattern: "^\\d{4}$", minLength: 2, maxLength: 9 }, ["1234", "12"])).toEqual(["1234"]);
  });

  it("with the name of a format is still a pattern", () => {
    expect(fitting({ format: "date" }, ["2024-02-29", "date"])).toEqual(["2024-02-29"]);
    expect(fitting({ pattern: "date" }, ["2024-02-29", "date"])).toEqual(["date"]);
    expect(() => checkedSchema({ type: "string", allOf: [{ format: "date" }, { pattern: "date" }] })).toThrow(
      /together/,
    );
  });

  it("may come twice", () => {
    expect(fitting({ pattern: "^a", allOf: [{ pattern: "^a" }] }, ["a", "b"])).toEqual(["a"]);
  });
});

describe("a length", () => {
  it("counts characters, whatever JSON writes for them", () => {
    const samples = ["", "a", "😀", "\n", '"', "ab", "😀😀", "\u0001a", "abc"];
    expect(fitting({ minLength: 1, maxLength: 2 }, samples)).toEqual(samples.slice(1, -1));
    expect(fitting({ maxLength: 0 }, samples)).toEqual([""]);
    expect(fitting({ minLength: 3 }, samples)).toEqual(["abc"]);
  });

  it("of one at least goes with texts that are left out", () => {
    expect(fitting({ minLength: 1, not: { enum: ["a", "ab"] } }, ["", "a", "ab", "abc", "b", "aa"])).toEqual([
      "abc",
      "b",
      "aa",
    ]);
  });
});

describe("a format", () => {
  const samples: Readonly<Record<string, readonly string[]>> = {
    date: ["2024-02-29", "2023-02-29", "2000-02-29", "1900-02-29", "2024-13-01", "2024-04-31", "24-01-01"],
    time: ["12:34:56Z", "12:34:56.789+01:00", "24:00:00Z", "12:34:56", "12:60:00Z"],
    "date-time": ["2024-01-31T00:00:00Z", "2024-01-31t23:59:59.5-23:59", "2024-01-31 00:00:00", "2024-01-31"],
    "iso-time": ["12:34:56", "12:34:56Z", "1:2:3"],
    "iso-date-time": ["2024-01-31T00:00:00", "2024-01-31T00:00:00Z", "2024-01-31"],
    duration: ["P1D", "PT1H30M", "P1Y2M3DT4H5M6S", "P2W", "P", "PT", "P1W2D", "1D"],
    uri: ["https://a.b/c?d=e#f", "file:///C:/x", "urn:a:b", "mailto:a@b.c", "//a/b", "a b", "http://a b"],
    "uri-reference": ["https://a.b/c", "../x?y#z", "#a", "", "a b", "\\\\a"],
    "uri-template": ["/a/{b}{?c,d*}", "{", "{a b}"],
    url: ["https://example.com/a?b", "http://example.com:8080", "ftp", "https://"],
    email: ["a.b+c@example.com", "a@b@c.de", ".a@b.cd", "a", "a@-b.cd"],
    hostname: ["example.com", "a", "-a.com", "a..b", "a_b"],
    ipv4: ["127.0.0.1", "256.0.0.1", "1.2.3", "01.2.3.4"],
    ipv6: ["::", "::1", "1:2:3:4:5:6:7:8", "1::8", "::ffff:1.2.3.4", "1:2:3", "1::2::3", "12345::"],
    uuid: ["123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000", "x"],
    "json-pointer": ["", "/a/~0~1", "a", "/~2"],
    "relative-json-pointer": ["0", "1/a", "2#", "01", "/a"],
    byte: ["", "YQ==", "YWI=", "YWJj", "Y", "YQ="],
  };
  const ajv = addFormats.default(new Ajv.default({ logger: false }));

  it.each(ENFORCED_FORMATS)("%s is what ajv-formats takes for it", (format) => {
    const isValid = ajv.compile({ type: "string", format });
    const list = samples[format] ?? [];
    expect(fitting({ format }, list)).toEqual(list.filter((text) => isValid(text)));
    expect(fitting({ format }, list).length).toBeGreaterThan(0);
    expect(fitting({ format }, texts).filter((text) => !isValid(text))).toEqual([]);
  });

  it("that the standard does not name says nothing", () => {
    expect(checkedSchema({ type: "string", format: "colour" })).toBe('{"type":"string"}');
  });

  it("says nothing of other types", () => {
    expect(checkedSchema({ type: "integer", format: "date" })).toBe('{"type":"integer"}');
  });
});
