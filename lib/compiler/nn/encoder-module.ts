// An encoder as a module of two entry functions, and the choice between the kinds of models.
import type { FfiObject } from "../../ffi/index.js";
import { readTypes, TYPE_TABLE, WORD_TABLE } from "../models/encoder-parameters.js";
import { buildCausalLm } from "./causal-lm.js";
import { type DecoderSpec, type EncoderSpec, isEncoderSpec, type ModelSpec } from "./decoder-spec.js";
import { Encoder } from "./encoder.js";
import { EncoderKernels } from "./encoder-kernels.js";
import { EntryFunctions } from "./entry-functions.js";

/** Builds the module of an encoder: `embed` and `encode`. */
export function buildEncoder(spec: EncoderSpec): FfiObject {
  const kernels = new EncoderKernels(spec);
  const types = readTypes(spec.config);
  const model = new EntryFunctions(spec, kernels, {
    table: WORD_TABLE,
    ...(types === undefined ? {} : { types: { table: TYPE_TABLE, count: types } }),
    compute: (_, graph, step, x) => new Encoder(spec.config, graph, kernels, step).result(x),
  });
  model.embed();
  model.encode();
  return model.finish();
}

/** Builds the module of a model of either kind. */
export function buildModule(spec: ModelSpec): FfiObject {
  return isEncoderSpec(spec) ? buildEncoder(spec) : buildCausalLm(spec as DecoderSpec);
}
