/** Patterns and formats as languages. */
import type { TextForm } from "./json-schema-cases.js";
import { refused } from "./json-schema-error.js";
import { ENFORCED_FORMATS, formatExpression } from "./json-schema-formats.js";
import { wholeText } from "./json-schema-language.js";
import { parseRegex, type Regex, RegexProblem } from "./json-schema-regex.js";
import { jsonText } from "./json-schema-text.js";

const MOST_KNOWN = 256;
/** Languages by kind and source; they do not depend on the schema around them. */
const known = new Map<string, Regex>();

/** The texts of a pattern (searched for, as the standard has it) or a format. Errors: ERR_INVALID_GRAMMAR. */
export function formOf({ source, mark }: Pick<TextForm, "source" | "mark">): Regex {
  const key = `${mark.keyword === "format" ? "format" : "pattern"} ${source}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const language = read(source, mark);
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(key, language);
  return language;
}

function read(source: string, mark: TextForm["mark"]): Regex {
  let expression: string | undefined = source;
  if (mark.keyword === "format") {
    expression = formatExpression(source);
    if (expression === undefined) {
      throw refused(
        mark,
        `the format "${source}" cannot be enforced; expected one of ${ENFORCED_FORMATS.join(", ")}`,
      );
    }
  }
  try {
    const language = wholeText(parseRegex(expression));
    jsonText(language);
    return language;
  } catch (cause) {
    if (!(cause instanceof RegexProblem)) throw cause;
    throw Object.assign(refused(mark, `the expression "${source.slice(0, 80)}": ${cause.message}`), {
      cause,
    });
  }
}
