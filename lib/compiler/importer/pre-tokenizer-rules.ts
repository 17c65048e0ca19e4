// The named pre-tokenizers of GGUF files (key tokenizer.ggml.pre): the split patterns behind each name, in the syntax of
// tokenizer.json, as the models' own tokenizers have them and llama.cpp applies them.
import { unsupported } from "./malformed-file.js";

/** How a byte-level BPE cuts text into words, and what llama.cpp ties to the name besides. */
export interface PreTokenizerRule {
  /** Applied one after the other, each to the pieces of the one before; text between matches is a piece too. */
  readonly patterns: readonly string[];
  /** A word that is a token as a whole is taken without merging. */
  readonly ignoreMerges: boolean;
  /** Texts begin with the begin-of-sequence token unless the file says otherwise. */
  readonly addBos: boolean;
  /** Unicode normal form the models' own tokenizers apply first. */
  readonly unicodeForm?: "NFC";
}

const CONTRACTIONS = "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])";
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";
const LINES_AND_SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The family of GPT-4's cl100k pattern: words with one leading sign, numbers of at most `digits`, signs, line ends, spaces. */
function wordsAndNumbers(digits: string, letter = "\\p{L}", notSign = "\\s\\p{L}\\p{N}"): string {
  return `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?${letter}+|${digits}| ?[^${notSign}]+[\\r\\n]*|${LINES_AND_SPACES}`;
}

/** Words of tekken and o200k: upper-case letters, then lower-case ones. */
function casedWords(suffix: string): string {
  const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  return `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${suffix}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${suffix}`;
}

/** Letters of alphabets with case, as the first DeepSeek tokenizers list them: code point ranges. Escaped, for
 * some of them look like others or change under normalisation. */
const CASED_LETTERS = [
  "A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF",
  "\u0370-\u0373\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5",
  "\u03F7-\u0481\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA",
  "\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45",
  "\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE",
  "\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102",
  "\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139",
  "\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3",
  "\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06",
  "\uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\u{10400}-\u{1044F}\u{104B0}-\u{104D3}\u{104D8}-\u{104FB}",
  "\u{10C80}-\u{10CB2}\u{10CC0}-\u{10CF2}\u{118A0}-\u{118DF}\u{1E900}-\u{1E943}",
].join("");

const gpt2: PreTokenizerRule = { patterns: [GPT2], ignoreMerges: false, addBos: false };
/** Every digit is a piece of its own. */
const digitsApart: PreTokenizerRule = { ...gpt2, patterns: ["\\p{N}", GPT2] };
const threeDigits: PreTokenizerRule = { ...gpt2, patterns: [wordsAndNumbers("\\p{N}{1,3}")] };
const llama3: PreTokenizerRule = { ...threeDigits, ignoreMerges: true, addBos: true };
const oneDigit: PreTokenizerRule = { ...gpt2, patterns: [wordsAndNumbers("\\p{N}")] };
const o200k: PreTokenizerRule = {
  ...gpt2,
  patterns: [
    `${casedWords(`(?:${CONTRACTIONS})?`)}|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${LINES_AND_SPACES}`,
  ],
};
const tekken: PreTokenizerRule = {
  patterns: [`${casedWords("")}|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${LINES_AND_SPACES}`],
  ignoreMerges: true,
  addBos: true,
};
const deepseekLlm: PreTokenizerRule = {
  ...gpt2,
  patterns: [
    "[\\r\\n]",
    `\\s?[${CASED_LETTERS}]+`,
    "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+",
    "\\s+$",
    "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+",
    "\\p{N}+",
  ],
};
const deepseekCoder: PreTokenizerRule = {
  ...gpt2,
  patterns: [
    "[\\r\\n]",
    "\\s?\\p{L}+",
    "\\s?\\p{P}+",
    "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+",
    "\\p{N}",
  ],
};
const deepseekV3: PreTokenizerRule = {
  ...gpt2,
  patterns: [
    "\\p{N}{1,3}",
    "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  ],
};
const falcon: PreTokenizerRule = {
  ...gpt2,
  patterns: ["[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"],
};
/** What llama.cpp does where a file names no rule. */
const unnamed: PreTokenizerRule = {
  ...gpt2,
  patterns: ["[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"],
};

const RULES: ReadonlyMap<string, PreTokenizerRule> = new Map(
  (
    [
      ["default", unnamed],
      [
        "gpt-2 phi-2 mpt olmo exaone4 mellum modern-bert gigachat a.x-4.0 trillion granite-docling jais",
        gpt2,
      ],
      ["smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", digitsApart],
      ["llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2", llama3],
      ["dbrx smaug-bpe glm4 chatglm-bpe", threeDigits],
      ["qwen2", { ...oneDigit, unicodeForm: "NFC" }],
      ["deepseek-r1-qwen stablelm2 megrez hunyuan kormo f2llmv2 grok-2 solar-open", oneDigit],
      [
        "qwen35",
        { ...oneDigit, patterns: [wordsAndNumbers("\\p{N}", "[\\p{L}\\p{M}]", "\\s\\p{L}\\p{M}\\p{N}")] },
      ],
      ["tekken", tekken],
      ["gpt-4o llama4 kanana2", o200k],
      ["deepseek-llm", deepseekLlm],
      ["deepseek-coder", deepseekCoder],
      ["deepseek-v3 hunyuan-dense", deepseekV3],
      ["falcon", falcon],
    ] as const
  ).flatMap(([names, rule]) => names.split(" ").map((name) => [name, rule] as const)),
);

/** The rule of a name. Errors: ERR_UNSUPPORTED_FORMAT with the names there are. */
export function preTokenizerRule(name: string, where: string): PreTokenizerRule {
  const rule = RULES.get(name);
  if (rule !== undefined) return rule;
  throw unsupported(
    `${where}, key tokenizer.ggml.pre`,
    `one of ${[...RULES.keys()].join(", ")}`,
    name,
    "this pre-tokenizer is not implemented",
  );
}
