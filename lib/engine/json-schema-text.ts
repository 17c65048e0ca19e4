/** Languages as expressions for the grammar compiler. */
import { MlcError } from "../errors.js";
import { wholeText } from "./json-schema-language.js";
import {
  type CharacterSet,
  common,
  complement,
  parseRegex,
  type Regex,
  RegexProblem,
} from "./json-schema-regex.js";

/** Characters that UTF-8 can spell. */
export const SPELLABLE = complement([[0xd800, 0xdfff]]);
/** Characters that stand for themselves inside a JSON string. */
const UNESCAPED = complement([
  [0, 0x1f],
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0xd800, 0xdfff],
]);
/** Characters with a short escape in JSON, and its letter. */
const SHORT_ESCAPES: readonly (readonly [number, string])[] = [
  [0x22, '"'],
  [0x5c, "\\\\"],
  [8, "b"],
  [12, "f"],
  [10, "n"],
  [13, "r"],
  [9, "t"],
];

/**
 * The language as an expression over the text between the quotes of a JSON string as JSON.stringify writes it: only
 * characters that must be escaped are, each in one way.
 */
export function jsonText(tree: Regex): string {
  return expression(tree, jsonSet);
}

/** The language as an expression over texts that are not in JSON, without anchors. */
export function plainText(tree: Regex): string {
  return expression(tree, textSet);
}

/**
 * An expression that a whole text, not one in JSON, is to match, in the form the grammar compiler takes.
 * Errors: ERR_INVALID_GRAMMAR for bad syntax and for what is not regular.
 */
export function textPattern(pattern: string): string {
  try {
    const anchored = {
      kind: "sequence",
      items: [{ kind: "start" }, parseRegex(pattern), { kind: "end" }],
    } as const;
    return plainText(wholeText(anchored));
  } catch (error) {
    if (!(error instanceof RegexProblem)) throw error;
    throw new MlcError(
      "ERR_INVALID_GRAMMAR",
      `Expected a regular expression for pattern but received ${JSON.stringify(pattern.slice(0, 80))}: ${error.message}.`,
      { cause: error },
    );
  }
}

function expression(tree: Regex, setText: (set: CharacterSet) => string): string {
  const inner = (part: Regex) => expression(part, setText);
  if (tree.kind === "set") return setText(tree.set);
  if (tree.kind === "sequence") return tree.items.map(inner).join("");
  if (tree.kind === "choice") return `(?:${tree.items.map(inner).join("|")})`;
  if (tree.kind === "repeat")
    return tree.max === 0 ? "" : `(?:${inner(tree.item)})${count(tree.min, tree.max)}`;
  return "";
}

function textSet(set: CharacterSet): string {
  const plain = common(set, SPELLABLE);
  if (plain.length === 0) throw new RegexProblem("a set of characters is empty");
  return classText(plain);
}

function count(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  return min === 0 && max === 1 ? "?" : `{${min},${max}}`;
}

const HEX_DIGITS = "0123456789abcdef";
const isShort = (code: number): boolean => SHORT_ESCAPES.some(([short]) => short === code);
const oneOf = (texts: readonly string[]): string =>
  texts.length === 1 ? (texts[0] as string) : `[${texts.join("")}]`;

function jsonSet(set: CharacterSet): string {
  const choices: string[] = [];
  const plain = common(set, UNESCAPED);
  if (plain.length > 0) choices.push(classText(plain));
  const within = (code: number) => set.some(([low, high]) => low <= code && code <= high);
  const letters = SHORT_ESCAPES.filter(([code]) => within(code)).map(([, letter]) => letter);
  if (letters.length > 0) choices.push(`\\\\${oneOf(letters)}`);
  for (const row of [0, 1]) {
    const digits = [...HEX_DIGITS].filter(
      (_, digit) => within(row * 16 + digit) && !isShort(row * 16 + digit),
    );
    if (digits.length > 0) choices.push(`\\\\u00${row}${oneOf(digits)}`);
  }
  if (choices.length === 0) throw new RegexProblem("a set of characters is empty");
  return choices.length === 1 ? (choices[0] as string) : `(?:${choices.join("|")})`;
}

/** "^", which negates a class it begins. */
const CARET = 0x5e;

/** A class of characters; "^" is never the first, where it would negate. */
function classText(set: CharacterSet): string {
  const [first] = set;
  if (set.length === 1 && first !== undefined && first[0] === first[1]) return literal(first[0]);
  const apart = set.flatMap(([low, high]) =>
    low === CARET && high > low
      ? ([
          [low, low],
          [low + 1, high],
        ] as const)
      : [[low, high] as const],
  );
  const ordered = apart.sort((a, b) => Number(a[0] === CARET) - Number(b[0] === CARET));
  return `[${ordered.map(([low, high]) => (low === high ? member(low) : `${member(low)}-${member(high)}`)).join("")}]`;
}

const literal = (code: number): string => escaped(code, /[\^$.*+?()[\]{}|/]/);
const member = (code: number): string => escaped(code, /[\]^[-]/);

function escaped(code: number, special: RegExp): string {
  // NUL would end the text in the compiler.
  if (code < 0x20) return `\\u${code.toString(16).padStart(4, "0")}`;
  const character = String.fromCodePoint(code);
  return special.test(character) ? `\\${character}` : character;
}
