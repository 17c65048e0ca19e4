/**
 * Languages of texts as right-linear rules of EBNF (every alternative ends in the rule of what follows), each of which the grammar
 * compiler can turn into the mask of the next token beforehand.
 *
 * The compiler decides a token beforehand as far as it stays within one rule; a token that leaves the rule is decided anew at every
 * step. As expressions, where a character that has escapes is a rule of its own, a text of limited length decides the whole
 * vocabulary at each step; as right-linear rules only tokens that go on after the text's end.
 *
 * A long count would need a rule for each of its values. It is written as chunks that repeat, which the compiler counts, and a chain
 * that may begin after any of them and is longer than a chunk by more than a token. So a token that would leave a chunk is allowed by
 * the chain, and the chunk's rules say, by an assertion that never holds, that none leaves it.
 */
import { lengths, wholeText } from "./json-schema-language.js";
import { type CharacterSet, common, parseRegex, type Regex, RegexProblem } from "./json-schema-regex.js";
import { SPELLABLE } from "./json-schema-text.js";

/** Repetitions in one chunk. */
const CHUNK = 8;
/** Most characters of a token that may go on over the end of a chunk; longer ones must be written in pieces there. */
const LONGEST_TOKEN = 24;
/** Longest chain; what is longer is written in chunks. */
const CHAIN = 2 * CHUNK + LONGEST_TOKEN - 1;
/** Most rules of one text: each costs milliseconds to compile. */
const MOST_RULES = 400;
/** What follows no text: control characters are escaped in JSON, and no rule has this one after a chunk. */
const NEVER = '(= "\\x01")';
const QUOTE = '"\\""';

type Repeat = Regex & { readonly kind: "repeat" };

/** Rules of the texts of one grammar; equal ones are shared. */
export class TextRules {
  /** All names begin with it; nothing that was `taken` holds it. */
  readonly prefix: string;
  readonly #names = new Map<string, string>();
  readonly #rules: string[] = [];

  constructor(taken: string) {
    let prefix = "text_";
    while (taken.includes(prefix)) prefix += "_";
    this.prefix = prefix;
  }

  /** The rules so far, a line each. */
  get text(): string {
    return this.#rules.join("\n");
  }

  /**
   * The name of a rule for JSON strings, quotes included, whose text between the quotes matches `pattern`; undefined where it would
   * take too many rules, or where what is repeated may be empty.
   */
  string(pattern: string): string | undefined {
    const language = languageOf(pattern);
    return language === undefined
      ? undefined
      : this.#named([joined(QUOTE, this.#named(this.#alternatives(language, QUOTE)))]);
  }

  /** The name of a rule for texts that match `pattern`; undefined as for `string`. */
  plain(pattern: string): string | undefined {
    const language = languageOf(pattern);
    return language === undefined ? undefined : this.#rule(this.#alternatives(language, ""));
  }

  /** The text of `tree` and then `next`, as alternatives of a rule. */
  #alternatives(tree: Regex, next: string): readonly string[] {
    switch (tree.kind) {
      case "set":
        return [joined(classText(tree.set), next)];
      case "choice":
        return tree.items.flatMap((item) => this.#alternatives(item, next));
      case "sequence":
        return this.#sequence(tree.items, next);
      case "repeat":
        return this.#repeat(tree, next);
      default:
        return [next];
    }
  }

  #sequence([first, ...rest]: readonly Regex[], next: string): readonly string[] {
    if (first === undefined) return [next];
    if (rest.length === 0) return this.#alternatives(first, next);
    const after = this.#sequence(rest, next);
    const [only] = after;
    // Characters in a row need no rules of their own.
    const inline = first.kind === "set" && after.length === 1 && only !== undefined;
    return this.#alternatives(first, inline ? only : this.#named(after));
  }

  #repeat({ item, min, max }: Repeat, next: string): readonly string[] {
    const more = max - min;
    const rest =
      more === Number.POSITIVE_INFINITY
        ? this.#endless(item, next)
        : more > CHAIN
          ? this.#chunks(item, more, next)
          : this.#chain(item, more, next);
    let alternatives: readonly string[] = [rest];
    for (let count = 0; count < min; count++)
      alternatives = this.#alternatives(item, this.#named(alternatives));
    return alternatives;
  }

  #endless(item: Regex, next: string): string {
    const key = `* ${JSON.stringify(item)} ${next}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = this.#add(key);
    this.#define(name, [next, ...this.#alternatives(item, name)]);
    return name;
  }

  /** At most `count` times. */
  #chain(item: Regex, count: number, next: string): string {
    let rest = next;
    for (let left = 0; left < count; left++) rest = this.#named([next, ...this.#alternatives(item, rest)]);
    return rest;
  }

  /** At most `count` times, which are more than CHAIN. */
  #chunks(item: Regex, count: number, next: string): string {
    const chunks = Math.floor((count - (CHUNK + LONGEST_TOKEN - 1)) / CHUNK);
    let chunk = "";
    for (let left = 0; left < CHUNK; left++) chunk = this.#rule(this.#alternatives(item, chunk), NEVER);
    return `${chunk}{0,${chunks}} ${this.#chain(item, count - chunks * CHUNK, next)}`;
  }

  /** What stands for the alternatives inside another rule. */
  #named(alternatives: readonly string[]): string {
    const [only] = alternatives;
    const isElement = alternatives.length === 1 && only !== undefined && /^(?:\w+|"\\"")$/.test(only);
    return isElement ? only : this.#rule(alternatives);
  }

  #rule(alternatives: readonly string[], assertion = ""): string {
    const body = bodyOf(alternatives);
    const key = assertion === "" ? body : `(${body}) ${assertion}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = this.#add(key);
    this.#rules.push(`${name} ::= ${key}`);
    return name;
  }

  #add(key: string): string {
    const name = `${this.prefix}${this.#names.size}`;
    this.#names.set(key, name);
    return name;
  }

  #define(name: string, alternatives: readonly string[]): void {
    this.#rules.push(`${name} ::= ${bodyOf(alternatives)}`);
  }
}

/**
 * A checked schema, or a structural tag of such, with the strings that have a pattern, and expressions of the tag, replaced by
 * constants: each is the name of a rule of `rules`, to be put in the constant's place in the grammar that the compiler makes.
 */
export function withTextRules(node: unknown, rules: TextRules): unknown {
  if (Array.isArray(node)) return node.map((item) => withTextRules(item, rules));
  if (typeof node !== "object" || node === null) return node;
  const { type, pattern } = node as Readonly<Record<string, unknown>>;
  if (typeof pattern === "string") {
    const name = type === "string" ? rules.string(pattern) : undefined;
    if (name !== undefined) return { const: name };
    const plain = type === "regex" ? rules.plain(`^(?:${pattern})$`) : undefined;
    if (plain !== undefined) return { type: "json_schema", json_schema: { const: plain } };
  }
  return Object.fromEntries(
    // The values of an enumeration are no schemas.
    Object.entries(node).map(([key, value]) => [key, key === "enum" ? value : withTextRules(value, rules)]),
  );
}

/** The language of an expression, where rules can say it. */
function languageOf(pattern: string): Regex | undefined {
  try {
    const language = wholeText(parseRegex(pattern));
    return ruleCount(language) <= MOST_RULES ? language : undefined;
  } catch (error) {
    if (error instanceof RegexProblem) return undefined;
    throw error;
  }
}

/** As many rules as a language takes, or a few more; Infinity where what is repeated may be empty. */
function ruleCount(tree: Regex): number {
  switch (tree.kind) {
    case "choice":
      return tree.items.reduce((sum, item) => sum + ruleCount(item), 0);
    case "sequence":
      // Characters in a row are one alternative, but each is a step of the recursion that writes it.
      if (tree.items.length > MOST_RULES) return Number.POSITIVE_INFINITY;
      return tree.items.reduce(
        (sum, item, at) =>
          sum + ruleCount(item) + (item.kind === "set" || at === tree.items.length - 1 ? 0 : 1),
        0,
      );
    case "repeat": {
      if (lengths(tree.item)[0] === 0) return Number.POSITIVE_INFINITY;
      const more = tree.max === Number.POSITIVE_INFINITY ? 1 : tree.max - tree.min;
      return (1 + ruleCount(tree.item)) * (tree.min + (more > CHAIN ? CHAIN + CHUNK : more));
    }
    default:
      return 0;
  }
}

function joined(element: string, next: string): string {
  return next === "" ? element : `${element} ${next}`;
}

function bodyOf(alternatives: readonly string[]): string {
  return [...new Set(alternatives)].map((text) => (text === "" ? '""' : text)).join(" | ");
}

/** A class of characters in EBNF. */
function classText(set: CharacterSet): string {
  const ranges = common(set, SPELLABLE).map(([low, high]) =>
    low === high ? member(low) : `${member(low)}-${member(high)}`,
  );
  return `[${ranges.join("")}]`;
}

function member(code: number): string {
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  const character = String.fromCodePoint(code);
  return /[\\\]^-]/.test(character) ? `\\${character}` : character;
}
