/** Checked options of a generation → what the native engine takes. */
import type { NativeDry, NativeGrammar, NativeRequest, NativeThought } from "../ffi/native-engine.js";
import type { Tokenizer } from "../tokenizer/tokenizer.js";
import type { DryOptions, SamplingParams } from "./sampling-params.js";
import { breakerSequences } from "./sequence-breakers.js";

/** What a request has beside its sampling. */
export interface RequestPlace {
  readonly id: number;
  readonly tokens: Int32Array;
  readonly maxTokens: number;
  readonly stopTokens: readonly number[];
  readonly priority: number;
  /** First tokens that stay when the text outgrows the context; undefined: it ends there. */
  readonly slideKeep: number | undefined;
  /** Whether a logit processor sees each token's logits. */
  readonly externalLogits: boolean;
  readonly grammar: NativeGrammar | undefined;
  readonly thought: NativeThought | undefined;
  /** Undefined: texts among the breakers of DRY find no tokens. */
  readonly tokenizer: Tokenizer | undefined;
}

/** The request as the native engine takes it. */
export function nativeRequest(place: RequestPlace, sampling: SamplingParams): NativeRequest {
  const { logitBias, logprobs, dry } = sampling;
  const { tokenizer, stopTokens, slideKeep, grammar, thought, ...own } = place;
  return {
    ...own,
    ...(slideKeep === undefined ? {} : { slideKeep }),
    ...(grammar === undefined ? {} : { grammar }),
    ...(thought === undefined ? {} : { thought }),
    stopTokens: Int32Array.from(stopTokens),
    temperature: sampling.temperature,
    topK: sampling.topK,
    topP: sampling.topP,
    minP: sampling.minP,
    typicalP: sampling.typicalP,
    xtcProbability: sampling.xtcProbability,
    xtcThreshold: sampling.xtcThreshold,
    mirostatTau: sampling.mirostatTau,
    mirostatEta: sampling.mirostatEta,
    penaltyWindow: sampling.repeatLastN,
    minTokens: sampling.minTokens,
    repetitionPenalty: sampling.repetitionPenalty,
    presencePenalty: sampling.presencePenalty,
    frequencyPenalty: sampling.frequencyPenalty,
    seed: sampling.seed,
    ...(dry === undefined ? {} : { dry: nativeDry(dry, tokenizer) }),
    ...(logitBias.size === 0
      ? {}
      : {
          logitBias: {
            ids: Int32Array.from(logitBias.keys()),
            values: Float32Array.from(logitBias.values()),
          },
        }),
    ...(logprobs === undefined ? {} : { logprobs }),
  };
}

function nativeDry(dry: DryOptions, tokenizer: Tokenizer | undefined): NativeDry {
  const sequences = dry.sequenceBreakers.flatMap((breaker) => {
    if (typeof breaker !== "string") return [breaker];
    return tokenizer === undefined ? [] : breakerSequences(tokenizer, breaker);
  });
  return {
    multiplier: dry.multiplier,
    base: dry.base,
    allowedLength: dry.allowedLength,
    range: dry.range,
    breakers: Int32Array.from(sequences.flat()),
    breakerLengths: Int32Array.from(sequences, (sequence) => sequence.length),
  };
}
