/** Formats of strings that can be enforced, as regular expressions; each allows only what ajv-formats allows too. */

/** Formats that the standard or OpenAPI names but no regular expression decides: refused. */
const UNDECIDABLE = new Set([
  "regex",
  "idn-email",
  "idn-hostname",
  "iri",
  "iri-reference",
  "json-pointer-uri-fragment",
]);

const HEX = "[0-9A-Fa-f]";
const PERCENT = `%${HEX}{2}`;
const DATE =
  "(?:(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8])))|(?:(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29))";
const CLOCK = "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?";
const ZONE = "(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
/** Eight of these with their dots stay below the 253 characters of a host name. */
const SHORT_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,28}[A-Za-z0-9])?";
const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = `${BYTE}\\.${BYTE}\\.${BYTE}\\.${BYTE}`;
const GROUP = `${HEX}{1,4}`;
/** Every form of an IPv6 address without a zone: eight groups, or fewer around one "::". */
const IPV6 = [
  `(?:${GROUP}:){7}${GROUP}`,
  `(?:${GROUP}:){1,7}:`,
  ...[1, 2, 3, 4, 5, 6].map((after) => `(?:${GROUP}:){1,${7 - after}}(?::${GROUP}){${after}}`),
  `:(?::${GROUP}){1,7}`,
  "::",
  `::(?:ffff:)?${IPV4}`,
  `(?:${GROUP}:){6}${IPV4}`,
].join("|");
const PATH_CHARACTER = `(?:[A-Za-z0-9_.~!$&'()*+,;=:@-]|${PERCENT})`;
const QUERY = `(?:\\?(?:[/?]|${PATH_CHARACTER})*)?(?:#(?:[/?]|${PATH_CHARACTER})*)?`;
const HOST_PORT = `(?:[A-Za-z0-9_.~-])+(?::\\d{1,5})?`;
const URI = `[A-Za-z][A-Za-z0-9+.-]*:(?://(?:${HOST_PORT}(?:/${PATH_CHARACTER}*)*|(?:/${PATH_CHARACTER}*)+)|/?${PATH_CHARACTER}+(?:/${PATH_CHARACTER}*)*)${QUERY}`;
const RELATIVE = `(?:/?(?:[A-Za-z0-9_.~!$&'()*+,;=@-]|${PERCENT})+(?:/${PATH_CHARACTER}*)*|/)?${QUERY}`;
const POINTER = "(?:/(?:[^~/]|~0|~1)*)*";
const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const EXPRESSION =
  "\\{[+#./;?&=,!@|]?[A-Za-z0-9_]+(?::[1-9]\\d{0,3}|\\*)?(?:,[A-Za-z0-9_]+(?::[1-9]\\d{0,3}|\\*)?)*\\}";
const SECONDS = "\\d+S";
const MINUTES = `\\d+M(?:${SECONDS})?`;
const TIME_PART = `T(?:\\d+H(?:${MINUTES})?|${MINUTES}|${SECONDS})`;
const DATE_PART = "(?:\\d+Y(?:\\d+M(?:\\d+D)?)?|\\d+M(?:\\d+D)?|\\d+D)";

const EXPRESSIONS: ReadonlyMap<string, string> = new Map([
  ["date", DATE],
  ["time", `${CLOCK}${ZONE}`],
  ["date-time", `${DATE}[Tt]${CLOCK}${ZONE}`],
  ["iso-time", `${CLOCK}${ZONE}?`],
  ["iso-date-time", `${DATE}[Tt]${CLOCK}${ZONE}?`],
  ["duration", `P(?:\\d+W|${DATE_PART}(?:${TIME_PART})?|${TIME_PART})`],
  ["uri", URI],
  ["uri-reference", `(?:${URI}|${RELATIVE})`],
  ["uri-template", `(?:[A-Za-z0-9_.~!$&()*+,;=:@/?#[\\]-]|${PERCENT}|${EXPRESSION})*`],
  ["url", `https?://(?:[a-z][a-z0-9]*\\.)+[a-z]{2,10}(?::\\d{2,5})?(?:/[^\\s]*)?`],
  ["email", `${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}`],
  ["hostname", `(?:${SHORT_LABEL}\\.){0,7}${SHORT_LABEL}`],
  ["ipv4", IPV4],
  ["ipv6", IPV6],
  ["uuid", `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`],
  ["json-pointer", POINTER],
  ["relative-json-pointer", `(?:0|[1-9]\\d*)(?:#|${POINTER})`],
  ["byte", "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"],
]);

/** Names of the formats that are enforced for strings. */
export const ENFORCED_FORMATS: readonly string[] = [...EXPRESSIONS.keys()];

/** The expression of a format, anchored; undefined: it is a format, but cannot be enforced. */
export function formatExpression(format: string): string | undefined {
  const expression = EXPRESSIONS.get(format);
  return expression === undefined ? undefined : `^(?:${expression})$`;
}

/** Whether a name is no format of the standard: an annotation, as the standard has it. */
export function isIgnoredFormat(format: string): boolean {
  return !EXPRESSIONS.has(format) && !UNDECIDABLE.has(format);
}
