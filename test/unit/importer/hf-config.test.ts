/** Configurations of models: which fields are checked, what stays as it is, how a fault is told. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { type HfConfig, parseHfConfig } from "../../../lib/compiler/importer/hf-config.js";
import { MlcError } from "../../../lib/errors.js";

function rejection(value: unknown): MlcError {
  try {
    parseHfConfig(value, "config.json");
  } catch (error) {
    if (error instanceof MlcError) return error;
    throw error;
  }
  throw new Error("expected the configuration to be refused");
}

describe("parseHfConfig", () => {
  it("keeps absent and null fields and keys it does not know", () => {
    const config = {
      model_type: "llama",
      vocab_size: 10,
      hidden_size: null,
      rms_norm_eps: Number.MIN_VALUE,
      rope_scaling: { rope_type: "llama3", factor: [1, { deep: null }] },
      rope_parameters: null,
      bos_token_id: 0,
      eos_token_id: [1, 2],
      pad_token_id: null,
      other: { more: [] },
    };
    expect(parseHfConfig(config, "config.json")).toEqual(config);
    expect(parseHfConfig({}, "config.json")).toEqual({});
  });

  it.each<[object, string]>([
    [{ vocab_size: 0 }, '"vocab_size" (expected >=1 but received 0)'],
    [{ vocab_size: "10" }, '"vocab_size" (expected number but received "10")'],
    [{ vocab_size: 1.5 }, '"vocab_size" (expected an exact integer but received 1.5)'],
    [{ architectures: ["a", 1] }, '"architectures.1" (expected string but received 1)'],
    [{ rms_norm_eps: 0 }, '"rms_norm_eps" (expected >0 but received 0)'],
    [{ rms_norm_eps: Number.NaN }, '"rms_norm_eps" (expected number but received NaN)'],
    [
      { rope_theta: Number.POSITIVE_INFINITY },
      '"rope_theta" (expected a finite number but received Infinity)',
    ],
    [{ rope_scaling: [] }, '"rope_scaling" (expected object but received Array)'],
    [{ rope_scaling: "linear" }, '"rope_scaling" (expected object but received "linear")'],
    [{ rope_freq_factors: [1, 0] }, '"rope_freq_factors.1" (expected >0 but received 0)'],
    [{ tie_word_embeddings: 1 }, '"tie_word_embeddings" (expected boolean but received 1)'],
    [{ eos_token_id: -1 }, '"eos_token_id" (expected >=0 but received -1)'],
    [{ eos_token_id: [1, -1] }, '"eos_token_id.1" (expected >=0 but received -1)'],
    [{ eos_token_id: "</s>" }, '"eos_token_id" (expected (Array | number) but received "</s>")'],
    [[], '"" (expected object but received Array)'],
  ])("refuses %j", (config, fault) => {
    const error = rejection(config);
    expect(error.code).toBe("ERR_INVALID_MODEL");
    expect(error.message).toContain(
      `Expected a configuration with a valid ${fault} in config.json but received `,
    );
  });

  it("shows what was at the place of the fault", () => {
    expect(rejection({ rope_freq_factors: [1, "two"] }).message).toContain(
      'in config.json but received "two":',
    );
  });

  it("has the type of its fields", () => {
    expectTypeOf<HfConfig["vocab_size"]>().toEqualTypeOf<number | null | undefined>();
    expectTypeOf<HfConfig["architectures"]>().toEqualTypeOf<string[] | null | undefined>();
    expectTypeOf<HfConfig["eos_token_id"]>().toEqualTypeOf<number | number[] | null | undefined>();
    expectTypeOf<HfConfig["other"]>().toEqualTypeOf<unknown>();
  });
});
