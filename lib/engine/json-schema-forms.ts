/** Patterns and formats as languages. */
import type { TextForm } from "./json-schema-cases.js";
import { refused } from "./json-schema-error.js";
import { ENFORCED_FORMATS, formatExpression } from "./json-schema-formats.js";
import { wholeText } from "./json-schema-language.js";
import { parseRegex, type Regex, RegexProblem } from "./json-schema-regex.js";

const FORMAT = "format:";
const MOST_KNOWN = 256;
/** Languages by source; they do not depend on the schema around them. */
const known = new Map<string, Regex>();

/** The texts of a pattern (searched for, as the standard has it) or a format. Errors: ERR_INVALID_GRAMMAR. */
export function formOf({ source, mark }: Pick<TextForm, "source" | "mark">): Regex {
  const found = known.get(source);
  if (found !== undefined) return found;
  const language = read(source, mark);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(source, language);
  return language;
}

function read(source: string, mark: TextForm["mark"]): Regex {
  let expression: string | undefined = source;
  if (mark.keyword === "format") {
    const name = source.slice(FORMAT.length);
    expression = formatExpression(name);
    if (expression === undefined) {
      throw refused(
        mark,
        `the format "${name}" cannot be enforced; expected one of ${ENFORCED_FORMATS.join(", ")}`,
      );
    }
  }
  try {
    return wholeText(parseRegex(expression));
  } catch (cause) {
    if (!(cause instanceof RegexProblem)) throw cause;
    throw Object.assign(refused(mark, `the expression "${source.slice(0, 80)}": ${cause.message}`), {
      cause,
    });
  }
}
