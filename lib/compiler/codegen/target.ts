// Targets: which processor the code is for. Everything is asked of LLVM; no tables of processors here.
import { MlcError } from "../../errors.js";
import { call, cpuFeatures, type FfiObject } from "../../ffi/index.js";
import type { KernelTarget } from "../kernels/kernel-target.js";

/** A processor to generate code for. */
export interface Target extends KernelTarget {
  /** TVM's Target node. */
  readonly node: FfiObject;
  /** LLVM triple, e.g. "x86_64-unknown-linux-gnu". */
  readonly triple: string;
  /** LLVM processor name, e.g. "znver5" or "x86-64-v3". */
  readonly cpu: string;
  /** Whether the triple is that of this machine, so that the system linker can link for it. */
  readonly isHost: boolean;
}

/**
 * Resolves a target.
 * @param specification `cpu` (this machine), `cpu:CPU` (an LLVM processor name such as `x86-64-v3`, for this machine's
 *   triple) or `cpu:CPU@TRIPLE` (for example `cpu:cortex-a76@aarch64-unknown-linux-gnu`).
 * @throws MlcError ERR_INVALID_ARGUMENT for another form or a processor LLVM does not know.
 */
export function resolveTarget(specification: string): Target {
  const match = /^cpu(?::([^@]+)(?:@(.+))?)?$/.exec(specification);
  if (match === null)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a target "cpu", "cpu:CPU" or "cpu:CPU@TRIPLE" but received "${specification}".`,
    );
  const hostTriple = call("target.llvm_get_system_triple");
  const [, cpu, triple = hostTriple] = match;
  if (cpu === undefined) return hostTarget(hostTriple);
  checkCpu(cpu, triple);
  return makeTarget(triple, cpu, [], hostTriple);
}

/** This machine: its processor's name, less the extensions the system or a hypervisor has switched off. */
function hostTarget(triple: string): Target {
  const cpu = call("target.llvm_get_system_cpu");
  const available = new Set(cpuFeatures());
  const named = extensions(llvmTarget(triple, cpu, []));
  const missing = named.filter((feature) => !available.has(feature));
  return makeTarget(
    triple,
    cpu,
    missing.map((feature) => `-${feature}`),
    triple,
  );
}

function makeTarget(triple: string, cpu: string, attributes: readonly string[], hostTriple: string): Target {
  const node = llvmTarget(triple, cpu, attributes);
  const features = new Set(extensions(node));
  const vectorBits = widestVector(features);
  return { node, triple, cpu, features, vectorBits, isHost: triple === hostTriple };
}

/** From the features: TVM's own answer is 512 for processors that only have AVX2. */
function widestVector(features: ReadonlySet<string>): number {
  if (features.has("avx512f")) return 512;
  return features.has("avx") ? 256 : 128;
}

function llvmTarget(triple: string, cpu: string, attributes: readonly string[]): FfiObject {
  const configuration = { kind: "llvm", mtriple: triple, mcpu: cpu };
  return call(
    "target.Target",
    attributes.length === 0 ? configuration : { ...configuration, mattr: [...attributes] },
  ) as FfiObject;
}

/**
 * Vector and bit instruction families that generated code may use without asking, per architecture. LLVM's list also
 * names tuning flags and system instructions, which say nothing about whether code runs.
 */
const EXTENSIONS =
  /^(sse3|ssse3|sse4\.[12]|sse4a|popcnt|cx16|movbe|lzcnt|bmi2?|fma4?|f16c|xop|tbm|avx|avx2|avx512\w+|avxvnni\w*|avxifma|avxneconvert|avx10\.\d\S*|amx-\S+|gfni|vaes|vpclmulqdq|pclmul|aes|sha|sha512|adx|neon|fp-armv8|dotprod|fullfp16|fp16fml|i8mm|bf16|sve\S*|sme\S*|lse2?|rcpc\S*|rdm|crc|sha2|sha3|sm4|complxnum|jsconv|fptoint)$/;

function extensions(node: FfiObject): string[] {
  return [...call("target.llvm_get_cpu_features", node).keys()]
    .filter((name) => EXTENSIONS.test(name))
    .sort();
}

function checkCpu(cpu: string, triple: string): void {
  const known = [...call("target.llvm_get_cpu_archlist", llvmTarget(triple, "generic", []))].map(String);
  if (!known.includes(cpu))
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected an LLVM processor name for ${triple} but received "${cpu}". Known: ${known.join(", ")}.`,
      { details: { cpu, triple, known } },
    );
}
