/** Log-probabilities in the shape of OpenAI's text completions. */
import type { StreamingDecoder } from "../tokenizer/streaming-decoder.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { TokenLogprobs } from "./generation.js";
import type { TextLogprobs } from "./openai-types.js";

/** Writes the tokens of one answer, as they come. */
export class TextLogprobsWriter {
  readonly #tokenizer: Tokenizer | undefined;
  readonly #decoder: StreamingDecoder | undefined;
  #offset = 0;

  constructor(tokenizer: Tokenizer | undefined) {
    this.#tokenizer = tokenizer;
    this.#decoder = tokenizer?.stream({ atStart: false });
  }

  /** The next tokens. */
  write(tokens: readonly number[], logprobs: readonly TokenLogprobs[]): TextLogprobs {
    const written: TextLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
    for (const [index, { logprob, top }] of logprobs.entries()) {
      const id = tokens[index] ?? 0;
      written.tokens.push(this.#spelling(id));
      written.token_logprobs.push(logprob);
      written.top_logprobs.push(this.#likeliest(top));
      written.text_offset.push(this.#offset);
      this.#offset += this.#decoder?.push(id).length ?? 0;
    }
    return written;
  }

  #likeliest(top: TokenLogprobs["top"]): Record<string, number> {
    const byText = new Map<string, number>();
    for (const { id, logprob } of top) {
      const text = this.#spelling(id);
      byText.set(text, Math.max(logprob, byText.get(text) ?? Number.NEGATIVE_INFINITY));
    }
    return Object.fromEntries(byText);
  }

  #spelling(id: number): string {
    return this.#tokenizer?.decode([id], { skipSpecial: false, atStart: false }) ?? "";
  }
}
