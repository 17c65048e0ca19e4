/** Regular expressions of JSON schemas (ECMA-262 without flags) as syntax trees over code points. */

/** Inclusive ranges of code points, sorted, apart from each other. */
export type CharacterSet = readonly (readonly [number, number])[];

/** A syntax tree: one character of a set, a sequence, a choice, a repetition, or an anchor. */
export type Regex =
  | { readonly kind: "set"; readonly set: CharacterSet }
  | { readonly kind: "sequence"; readonly items: readonly Regex[] }
  | { readonly kind: "choice"; readonly items: readonly Regex[] }
  | { readonly kind: "repeat"; readonly item: Regex; readonly min: number; readonly max: number }
  | { readonly kind: "start" }
  | { readonly kind: "end" };

/** Why an expression cannot be used; the caller knows the keyword. */
export class RegexProblem extends Error {}

const LAST = 0x10ffff;
/** Longest expression, in characters: longer ones are refused before any work. */
const LONGEST = 10_000;
const DEEPEST = 64;

/** Every character. */
export const EVERY: CharacterSet = [[0, LAST]];
const DIGIT: CharacterSet = [[48, 57]];
const WORD: CharacterSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACE: CharacterSet = normal([
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const LINE_END: CharacterSet = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];

/** Sorts and joins ranges. */
export function normal(ranges: CharacterSet): CharacterSet {
  const joined: [number, number][] = [];
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const last = joined.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else joined.push([low, high]);
  }
  return joined;
}

/** The characters that are not in `set`. */
export function complement(set: CharacterSet): CharacterSet {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [low, high] of normal(set)) {
    if (low > next) rest.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= LAST) rest.push([next, LAST]);
  return rest;
}

/** The characters in both sets. */
export function common(left: CharacterSet, right: CharacterSet): CharacterSet {
  return complement(normal([...complement(left), ...complement(right)]));
}

/** A set of one character. */
export const only = (character: number): Regex => ({ kind: "set", set: [[character, character]] });
/** Any text. */
export const ANY_TEXT: Regex = {
  kind: "repeat",
  item: { kind: "set", set: EVERY },
  min: 0,
  max: Number.POSITIVE_INFINITY,
};

/**
 * Parses an expression. Errors: RegexProblem for bad syntax and for what is not regular or needs context
 * (lookaround, back references, word boundaries, Unicode properties).
 */
export function parseRegex(source: string): Regex {
  if (source.length > LONGEST) throw new RegexProblem(`expected at most ${LONGEST} characters`);
  return new Parser(source).whole();
}

class Parser {
  readonly #text: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#text = [...source];
  }

  whole(): Regex {
    const tree = this.#choice();
    if (this.#at < this.#text.length) throw new RegexProblem("a closing parenthesis has no partner");
    return tree;
  }

  #choice(): Regex {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new RegexProblem(`groups nest deeper than ${DEEPEST}`);
    const items = [this.#sequence()];
    while (this.#take("|")) items.push(this.#sequence());
    this.#depth -= 1;
    return items.length === 1 ? (items[0] as Regex) : { kind: "choice", items };
  }

  #sequence(): Regex {
    const items: Regex[] = [];
    while (this.#at < this.#text.length && !"|)".includes(this.#peek())) items.push(this.#repeated());
    return items.length === 1 ? (items[0] as Regex) : { kind: "sequence", items };
  }

  #repeated(): Regex {
    const item = this.#atom();
    const [min, max] = this.#quantifier() ?? [1, 1];
    if (min === 1 && max === 1) return item;
    if (item.kind === "start" || item.kind === "end") throw new RegexProblem("an anchor is repeated");
    return { kind: "repeat", item, min, max };
  }

  #quantifier(): [number, number] | undefined {
    const bounds = this.#bounds();
    if (bounds === undefined) return undefined;
    this.#take("?");
    if (this.#bounds() !== undefined) throw new RegexProblem("a repetition is repeated");
    return bounds;
  }

  #bounds(): [number, number] | undefined {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    if (this.#peek() !== "{") return undefined;
    const found = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(this.#text.slice(this.#at, this.#at + 24).join(""));
    if (found === null) return undefined;
    this.#at += found[0].length;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === "" ? Number.POSITIVE_INFINITY : Number(found[3]);
    if (max < min) throw new RegexProblem("a repetition's bounds are out of order");
    return [min, max];
  }

  #atom(): Regex {
    const character = this.#next();
    if (character === "^") return { kind: "start" };
    if (character === "$") return { kind: "end" };
    if (character === ".") return { kind: "set", set: complement(LINE_END) };
    if (character === "(") return this.#group();
    if (character === "[") return { kind: "set", set: this.#class() };
    if (character === "\\") return { kind: "set", set: this.#escape(false) };
    if ("*+?".includes(character)) throw new RegexProblem("nothing stands before a repetition");
    return only(character.codePointAt(0) as number);
  }

  #group(): Regex {
    if (this.#take("?")) {
      const named = /^<[A-Za-z_$][\w$]*>/.exec(this.#text.slice(this.#at, this.#at + 80).join(""));
      if (named !== null) this.#at += named[0].length;
      else if (!this.#take(":")) throw new RegexProblem("lookaround and group flags are not regular");
    }
    const tree = this.#choice();
    if (!this.#take(")")) throw new RegexProblem("a group is not closed");
    return tree.kind === "set" ? tree : { kind: "sequence", items: [tree] };
  }

  #class(): CharacterSet {
    const negative = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    while (!this.#take("]")) {
      const low = this.#classAtom();
      const ranged = this.#peek() === "-" && this.#text[this.#at + 1] !== "]";
      if (!ranged || !isOne(low)) {
        ranges.push(...low);
        continue;
      }
      this.#at += 1;
      const high = this.#classAtom();
      if (isOne(high)) {
        if (high[0][0] < low[0][0]) throw new RegexProblem("a range of characters is out of order");
        ranges.push([low[0][0], high[0][0]]);
      } else {
        ranges.push(...low, [45, 45], ...high);
      }
    }
    return negative ? complement(normal(ranges)) : normal(ranges);
  }

  #classAtom(): CharacterSet {
    const character = this.#next();
    if (character === "\\") return this.#escape(true);
    const code = character.codePointAt(0) as number;
    return [[code, code]];
  }

  #escape(inClass: boolean): CharacterSet {
    const character = this.#next();
    const named = NAMED_SETS.get(character);
    if (named !== undefined) return named;
    if (character === "u" || character === "x") return this.#hexadecimal(character);
    if (character === "c") return this.#control();
    if (character === "0" && !/\d/.test(this.#peek())) return [[0, 0]];
    if (inClass && character === "b") return [[8, 8]];
    const plain = PLAIN_ESCAPES.get(character);
    if (plain !== undefined) return [[plain, plain]];
    if (/[\dA-Za-z]/.test(character))
      throw new RegexProblem(`the escape \\${character} is not regular or not known`);
    const code = character.codePointAt(0) as number;
    return [[code, code]];
  }

  #hexadecimal(letter: string): CharacterSet {
    const rest = this.#text.slice(this.#at, this.#at + 9).join("");
    const form = letter === "x" ? /^([\da-fA-F]{2})/ : /^(?:([\da-fA-F]{4})|\{([\da-fA-F]{1,6})\})/;
    const found = form.exec(rest);
    if (found === null) throw new RegexProblem(`\\${letter} has no hexadecimal digits`);
    this.#at += found[0].length;
    const code = Number.parseInt((found[1] ?? found[2]) as string, 16);
    if (code > LAST) throw new RegexProblem("an escape is beyond the last character");
    if (code < 0xd800 || code > 0xdfff) return [[code, code]];
    const pair = /^\\u(d[c-f][\da-f]{2})/i.exec(this.#text.slice(this.#at, this.#at + 6).join(""));
    if (pair === null || code > 0xdbff) throw new RegexProblem("half of a surrogate pair stands alone");
    this.#at += pair[0].length;
    const whole = 0x10000 + (code - 0xd800) * 0x400 + Number.parseInt(pair[1] as string, 16) - 0xdc00;
    return [[whole, whole]];
  }

  #control(): CharacterSet {
    const letter = this.#next();
    if (!/[A-Za-z]/.test(letter)) throw new RegexProblem("\\c has no letter");
    const code = (letter.codePointAt(0) as number) % 32;
    return [[code, code]];
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  #next(): string {
    const character = this.#text[this.#at];
    if (character === undefined) throw new RegexProblem("the expression ends too early");
    this.#at += 1;
    return character;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}

const NAMED_SETS = new Map<string, CharacterSet>([
  ["d", DIGIT],
  ["D", complement(DIGIT)],
  ["w", WORD],
  ["W", complement(WORD)],
  ["s", SPACE],
  ["S", complement(SPACE)],
]);

const PLAIN_ESCAPES = new Map([
  ["n", 10],
  ["r", 13],
  ["t", 9],
  ["f", 12],
  ["v", 11],
]);

function isOne(set: CharacterSet): set is readonly [readonly [number, number]] {
  return set.length === 1 && set[0]?.[0] === set[0]?.[1];
}
