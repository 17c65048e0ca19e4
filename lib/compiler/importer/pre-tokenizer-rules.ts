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

/** Letters of alphabets with case, as the first DeepSeek tokenizers list them: code point ranges. */
const CASED_LETTERS =
  "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃";

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
    "\\s?[!-/:-~！-／：-～‘-‟　-。]+",
    "\\s+$",
    "[一-龥ࠀ-一가-퟿]+",
    "\\p{N}+",
  ],
};
const deepseekCoder: PreTokenizerRule = {
  ...gpt2,
  patterns: ["[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", "\\p{N}"],
};
const deepseekV3: PreTokenizerRule = {
  ...gpt2,
  patterns: [
    "\\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
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
