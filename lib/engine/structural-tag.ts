/** Parts of structural tags, xgrammar's form of grammars in which text, JSON and control tokens alternate. */

/** A part of a structural tag, in xgrammar's JSON. */
export type Format = { readonly type: string; readonly [field: string]: unknown };

/** The id of a control token by its spelling; undefined where it is ordinary text. */
export type ControlToken = (spelling: string) => number | undefined;

/** Spellings that may be control tokens, inside a longer mark. */
const TOKEN_LIKE = /(<[|｜][^<>]*[|｜]>|\[\/?[A-Z_]+\]|<\/?[a-z_:]+>)/;

/** A text as control tokens and plain text. */
export function literal(text: string, controlToken: ControlToken): Format[] {
  const formats: Format[] = [];
  let plain = "";
  for (const part of text.split(TOKEN_LIKE)) {
    const token = part === "" ? undefined : controlToken(part);
    if (token === undefined) {
      plain += part;
      continue;
    }
    if (plain !== "") formats.push({ type: "const_string", value: plain });
    plain = "";
    formats.push({ type: "token", token });
  }
  if (plain !== "") formats.push({ type: "const_string", value: plain });
  return formats;
}

/** One part after the other. */
export function sequence(elements: readonly Format[]): Format {
  return { type: "sequence", elements };
}

/** One of the parts. */
export function either(elements: readonly Format[]): Format {
  const [only] = elements;
  return elements.length === 1 && only !== undefined ? only : { type: "or", elements };
}

/** A mark as the end of a tag. */
export function endOf(end: Format | undefined): unknown {
  return end?.type === "token" ? end : String(end?.value);
}

/**
 * Any text without `mark`, and without control tokens: rules that each end in the rule of what follows, one for each beginning of the
 * mark (Knuth, Morris, Pratt 1977). xgrammar's own text with exclusions allows control tokens.
 */
export function textWithout(mark: string): Format {
  const characters = [...mark];
  const set = [...new Set(characters)];
  const rules = characters.map((_, state) => {
    const known = set.map((character) => {
      const next = longestBeginning(characters, [...characters.slice(0, state), character]);
      return next === characters.length ? [] : [`[${escaped(character)}] s${next}`];
    });
    return `s${state} ::= ${['""', `[^${set.map(escaped).join("")}] s0`, ...known.flat()].join(" | ")}`;
  });
  return { type: "grammar", grammar: ["root ::= s0", ...rules].join("\n") };
}

/** Length of the longest beginning of `mark` that `text` ends with. */
function longestBeginning(mark: readonly string[], text: readonly string[]): number {
  for (let length = text.length; length > 0; length--) {
    const end = text.slice(text.length - length);
    if (end.every((character, index) => character === mark[index])) return length;
  }
  return 0;
}

/** A character in a class of EBNF. */
function escaped(character: string): string {
  if (character === "\n") return "\\n";
  return /[\\\]^-]/.test(character) ? `\\${character}` : character;
}
