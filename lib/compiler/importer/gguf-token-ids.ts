// Control tokens of a GGUF file in the form of config.json.
import type { GgufMetadata } from "./gguf-metadata.js";

/** Control tokens that end a turn wherever they are in a vocabulary. */
const TURN_ENDS: readonly string[] = ["<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|eom_id|>"];
const CONTROL_TOKEN = 3;

/** The ids of the begin, the ends and the padding, as config.json names them. */
export function ggufTokenIds(metadata: GgufMetadata): Record<string, number | number[]> {
  const id = (name: string) => metadata.natural(`tokenizer.ggml.${name}_token_id`);
  const bos = id("bos");
  const pad = id("padding");
  const tokens = metadata.texts("tokenizer.ggml.tokens") ?? [];
  const types = metadata.numbers("tokenizer.ggml.token_type", tokens.length);
  const turnEnds = types === undefined ? [] : TURN_ENDS.map((token) => tokens.indexOf(token));
  const ends = [
    id("eos"),
    id("eot"),
    id("eom"),
    ...turnEnds.filter((index) => types?.[index] === CONTROL_TOKEN),
  ];
  const eos = [...new Set(ends.filter((end) => end !== undefined))];
  return {
    ...(bos === undefined ? {} : { bos_token_id: bos }),
    ...(eos.length === 0 ? {} : { eos_token_id: eos }),
    ...(pad === undefined ? {} : { pad_token_id: pad }),
  };
}
