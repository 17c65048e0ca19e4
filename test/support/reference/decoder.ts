/** A decoder in double precision, one row at a time: the mathematics of docs/adding-a-model.md, written out. */
import type { DecoderConfig } from "../../../lib/compiler/models/decoder-config.js";
import { inverseFrequencies } from "../../../lib/compiler/models/rope.js";
import type { PlainTensor } from "../safetensors.js";
import { normalize, ReferenceAttention, ropeRow } from "./attention.js";

/** One sequence. */
export class ReferenceDecoder {
  readonly #config: DecoderConfig;
  readonly #tensors: ReadonlyMap<string, PlainTensor>;
  readonly #frequencies: Float32Array;
  readonly #layers: readonly ReferenceAttention[];
  #position = 0;

  /** @param kvDtype what the cache rounds keys and values to. */
  constructor(
    config: DecoderConfig,
    tensors: ReadonlyMap<string, PlainTensor>,
    kvDtype: "float32" | "float16" | "int8",
  ) {
    this.#config = config;
    this.#tensors = tensors;
    this.#frequencies = inverseFrequencies(config.headDim, config.ropeTheta, config.ropeScaling);
    this.#layers = Array.from({ length: config.layers }, (_, layer) => this.#attention(layer, kvDtype));
  }

  /** Appends a token and returns the logits behind it. */
  append(token: number): number[] {
    const { hiddenSize, layers, rmsNormEps, tieWordEmbeddings } = this.#config;
    const table = this.#tensor("model.embed_tokens.weight");
    let x = Array.from(table.subarray(token * hiddenSize, (token + 1) * hiddenSize));
    const rope = ropeRow(this.#position++, this.#frequencies);
    const normed = (name: string) => normalize(x, this.#tensor(`${name}.weight`), rmsNormEps);
    for (let layer = 0; layer < layers; layer++) {
      const prefix = `model.layers.${layer}`;
      const input = normed(`${prefix}.input_layernorm`);
      const qkv = ["q", "k", "v"].flatMap((name) => this.#project(`${prefix}.self_attn.${name}_proj`, input));
      const attended = this.#layers[layer]?.append(qkv, rope) ?? [];
      x = add(x, this.#project(`${prefix}.self_attn.o_proj`, attended));
      const between = normed(`${prefix}.post_attention_layernorm`);
      const gate = this.#project(`${prefix}.mlp.gate_proj`, between);
      const up = this.#project(`${prefix}.mlp.up_proj`, between);
      const activated = gate.map((value, i) => (value / (1 + Math.exp(-value))) * (up[i] ?? Number.NaN));
      x = add(x, this.#project(`${prefix}.mlp.down_proj`, activated));
    }
    return this.#project(tieWordEmbeddings ? "model.embed_tokens" : "lm_head", normed("model.norm"));
  }

  #attention(layer: number, kvDtype: "float32" | "float16" | "int8"): ReferenceAttention {
    const {
      attentionHeads: heads,
      keyValueHeads: kvHeads,
      headDim,
      qkNorm,
      rmsNormEps,
      windows,
    } = this.#config;
    const window = windows?.[layer];
    const norm = (name: string) =>
      Float32Array.from(this.#tensor(`model.layers.${layer}.self_attn.${name}.weight`));
    return new ReferenceAttention({
      ...{ heads, kvHeads, headDim, kvDtype },
      ...(window === undefined ? {} : { window }),
      ...(qkNorm ? { qkNorm: { epsilon: rmsNormEps, query: norm("q_norm"), key: norm("k_norm") } } : {}),
    });
  }

  /** `weight · x + bias`, the bias where the checkpoint has one. */
  #project(name: string, x: readonly number[]): number[] {
    const weight = this.#tensor(`${name}.weight`);
    const bias = this.#tensors.get(`${name}.bias`)?.data;
    return Array.from({ length: weight.length / x.length }, (_, row) =>
      x.reduce((sum, value, i) => sum + value * (weight[row * x.length + i] ?? Number.NaN), bias?.[row] ?? 0),
    );
  }

  #tensor(name: string): Float32Array {
    const data = this.#tensors.get(name)?.data;
    if (!(data instanceof Float32Array)) throw new Error(`the checkpoint has no float32 tensor ${name}`);
    return data;
  }
}

function add(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value + (b[i] ?? Number.NaN));
}
