/** The option `speculation` of an engine: who drafts, and how far ahead. */
import { expectInteger, expectKnownNames, expectText, unexpected } from "./expectation.js";

/** How tokens are drafted. */
export interface SpeculationOptions {
  /** Folder of a package of a smaller model with the same vocabulary; default: the text's own n-grams (prompt lookup). */
  draft?: string | undefined;
  /** Longest draft, 1 to 64; shorter ones are drafted where that pays. Default 8. */
  draftTokens?: number | undefined;
}

/** Checked options. */
export interface SpeculationConfig {
  readonly draft: string | undefined;
  readonly draftTokens: number;
}

const OPTION_NAMES = ["draft", "draftTokens"] as const satisfies readonly (keyof SpeculationOptions)[];

/** Beyond this a draft is seldom right to its end, and its rows cost what they save. */
const DEFAULT_DRAFT_TOKENS = 8;

/** Checks the option; undefined where nothing is to be drafted. Errors: ERR_INVALID_ARGUMENT naming it. */
export function resolveSpeculation(value: unknown): SpeculationConfig | undefined {
  if (value === undefined || value === false) return undefined;
  const options: SpeculationOptions = value === true ? {} : expectOptions(value);
  const { draft, draftTokens = DEFAULT_DRAFT_TOKENS } = options;
  return {
    draft: draft === undefined ? undefined : expectText("speculation.draft", draft),
    draftTokens: expectInteger("speculation.draftTokens", draftTokens, 1, 64),
  };
}

function expectOptions(value: unknown): object {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unexpected("speculation", "true, false or an object", value);
  expectKnownNames("speculation", value, OPTION_NAMES);
  return value;
}
