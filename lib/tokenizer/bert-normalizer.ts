/**
 * The normaliser of BERT's tokenizers, as Hugging Face's `tokenizers` has it. The JavaScript library's own leaves out ideographs beyond
 * the basic plane and writes a final sigma where the original lowers each character alone.
 */
import { type Stage, stage } from "./tokenizer-document.js";

/** Ideographs that become words of their own: the ranges of BERT's reference implementation. */
const IDEOGRAPH =
  /[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B820}-\u{2CEAF}\u{2F800}-\u{2FA1F}]/gu;
/** U+FFFD and control characters, the white space among them excepted. */
const REMOVED = /[\uFFFD\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;
const WHITE_SPACE = /\s/gu;
const ACCENT = /\p{Mn}/gu;

/** The normaliser of a tokenizer.json where it is BERT's, else undefined. */
export function bertNormalizer(normalizer: unknown): ((text: string) => string) | undefined {
  if (typeof normalizer !== "object" || normalizer === null) return undefined;
  const options = stage(normalizer, "tokenizer.json: normalizer");
  return options.type === "BertNormalizer" ? (text) => normalize(text, options) : undefined;
}

function normalize(text: string, options: Stage): string {
  const lowercase = options.lowercase !== false;
  let result = text;
  if (options.clean_text !== false) result = clean(result);
  if (options.handle_chinese_chars !== false) result = result.replace(IDEOGRAPH, " $& ");
  if (options.strip_accents ?? lowercase) result = result.normalize("NFD").replace(ACCENT, "");
  // Each character alone: toLowerCase() of a whole text looks at a sigma's neighbours.
  return lowercase ? Array.from(result, (character) => character.toLowerCase()).join("") : result;
}

function clean(text: string): string {
  return text
    .replace(/[\t\n\r]/g, " ")
    .replace(REMOVED, "")
    .replace(WHITE_SPACE, " ");
}
