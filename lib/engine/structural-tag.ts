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
