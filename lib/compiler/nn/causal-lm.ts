// A decoder as a module of five entry functions.
import type { FfiObject } from "../../ffi/index.js";
import { Decoder } from "./decoder.js";
import { DecoderKernels } from "./decoder-kernels.js";
import type { DecoderSpec } from "./decoder-spec.js";
import { EntryFunctions } from "./entry-functions.js";

/** Builds the module of a decoder: Relax functions and the kernels they share. */
export function buildCausalLm(spec: DecoderSpec): FfiObject {
  const kernels = new DecoderKernels(spec);
  const model = new EntryFunctions(spec, kernels, {
    table: "model.embed_tokens.weight",
    compute(name, graph, step, x) {
      const decoder = new Decoder(spec.config, graph, kernels, step);
      return name === "encode" ? decoder.hidden(x) : decoder.logits(x);
    },
  });
  model.embed();
  model.decode();
  model.batchDecode();
  model.batchPrefill();
  model.encode();
  return model.finish();
}
