// Targets: which processor the code is for. Everything is asked of LLVM; no tables of processors here.
import { MlcError } from "../../errors.js";
import { call, cpuFeatures, type FfiObject } from "../../ffi/index.js";
import type { GpuKind, KernelTarget } from "../kernels/kernel-target.js";
import { parseArchitectures } from "./cuda-architectures.js";
import { type GpuTarget, gpuTarget } from "./gpu-target.js";

/** A processor to generate code for. */
export interface Target extends KernelTarget {
  /** TVM's Target node of the processor. */
  readonly node: FfiObject;
  /** A GPU that the library's kernels are for; the processor then only launches them. */
  readonly gpu?: GpuTarget;
  /** The processor with the extensions asked for, e.g. "x86-64-v4+avx512vnni": what users call the library. */
  readonly name: string;
  /** LLVM triple, e.g. "x86_64-unknown-linux-gnu". */
  readonly triple: string;
  /** LLVM processor name, e.g. "znver5" or "x86-64-v3". */
  readonly cpu: string;
  /** Whether the triple is that of this machine, so that the system linker can link for it. */
  readonly isHost: boolean;
}

/** A target as written. */
export interface TargetSpecification {
  /** A GPU; kernels of a target without are for the processor. */
  readonly gpu?: GpuKind;
  /** Of CUDA, by NVRTC's names. */
  readonly architectures?: readonly string[];
  /** LLVM processor name, or one of the words "native" and "portable". */
  readonly cpu: string;
  /** LLVM names of extensions beyond those of the processor. */
  readonly extensions: readonly string[];
  readonly triple: string;
}

/** LLVM's name of this machine's system. */
export function hostTriple(): string {
  return call("target.llvm_get_system_triple");
}

/**
 * Reads `cpu` (this machine), `cpu:CPU` (an LLVM processor name for this machine's triple), with `+EXTENSION` any number of times
 * and `@TRIPLE` at the end; or `opencl`, `cuda` or `cuda:ARCHITECTURES` (as `parseArchitectures` reads them), with `@TRIPLE` of the machine
 * that the GPU is in.
 * @throws MlcError ERR_INVALID_ARGUMENT for another form.
 */
export function parseTarget(specification: string): TargetSpecification {
  const gpu = /^(?:(opencl|vulkan)|cuda(?::([^@,]+))?)(?:@([^@+,]+))?$/.exec(specification);
  if (gpu !== null) {
    const [, kind, list, triple = hostTriple()] = gpu;
    const host = { cpu: launchingCpu(triple), extensions: [], triple };
    if (kind !== undefined) return { gpu: kind as GpuKind, ...host };
    return { gpu: "cuda", architectures: parseArchitectures(list), ...host };
  }
  const match = /^cpu(?::([^@+,]+)((?:\+[^@+,]+)*)(?:@([^@+,]+))?)?$/.exec(specification);
  if (match === null)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a target "cpu", "cpu:portable", "cpu:CPU[+EXTENSION...][@TRIPLE]", "opencl[@TRIPLE]", "vulkan[@TRIPLE]" or "cuda[:sm_NN[+sm_NN...]][@TRIPLE]" but received "${specification}".`,
    );
  const [, cpu = "native", plus = "", triple = hostTriple()] = match;
  return { cpu, extensions: plus.split("+").slice(1), triple };
}

/**
 * Resolves one target.
 * @param specification as `parseTarget` reads it; `cpu:native` is `cpu`.
 * @throws MlcError ERR_INVALID_ARGUMENT for another form, a processor or an extension LLVM does not know.
 */
export function resolveTarget(specification: string | TargetSpecification): Target {
  const parsed = typeof specification === "string" ? parseTarget(specification) : specification;
  const { cpu, extensions, triple, gpu, architectures } = parsed;
  if (cpu === "native") return hostTarget(parsed);
  checkCpu(cpu, triple);
  if (gpu !== undefined)
    return { ...makeTarget(triple, cpu, [], []), name: gpu, gpu: gpuTarget(gpu, architectures) };
  const target = makeTarget(
    triple,
    cpu,
    extensions,
    extensions.map((name) => `+${name}`),
  );
  for (const extension of extensions)
    if (!target.features.has(extension))
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected LLVM names of instruction set extensions of ${triple} after "${cpu}+" but received "${extension}".`,
        { details: { cpu, triple, extension } },
      );
  return target;
}

/** The processor of code that launches kernels: any of the architecture, for nothing there is worth an extension. */
function launchingCpu(triple: string): string {
  return /^(x86_64|amd64)-/.test(triple) ? "x86-64" : "generic";
}

/** This machine: its processor's name, less the extensions the system or a hypervisor has switched off, and those beyond it. */
function hostTarget({ extensions, triple }: TargetSpecification): Target {
  if (extensions.length > 0 || !isSameSystem(triple, hostTriple()))
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected "cpu:native" without extensions or another triple: it is this very machine (${hostTriple()}).`,
    );
  const cpu = call("target.llvm_get_system_cpu");
  const available = new Set(cpuFeatures());
  const named = extensionsOf(llvmTarget(triple, cpu, []));
  // LLVM names a processor by some of its extensions: a virtual machine may be called by an older one's name.
  const beyond = [...available].filter((feature) => EXTENSIONS.test(feature) && !named.includes(feature));
  const missing = named.filter((feature) => !available.has(feature));
  return makeTarget(
    triple,
    cpu,
    [],
    [...missing.map((feature) => `-${feature}`), ...beyond.map((feature) => `+${feature}`)],
  );
}

function makeTarget(
  triple: string,
  cpu: string,
  extensions: readonly string[],
  attributes: readonly string[],
): Target {
  const node = llvmTarget(triple, cpu, attributes);
  const features = new Set(extensionsOf(node));
  const vectorBits = widestVector(features);
  const name = [cpu, ...extensions].join("+");
  return { node, name, triple, cpu, features, vectorBits, isHost: isSameSystem(triple, hostTriple()) };
}

/** Whether two triples differ at most in a vendor that says nothing ("x86_64-unknown-linux-gnu", "x86_64-linux-gnu"). */
function isSameSystem(a: string, b: string): boolean {
  const [one, other] = [a, b].map((triple) => triple.replace(/-(unknown|pc|conda|redhat|suse)-/, "-"));
  return one === other;
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
 * Instruction families that generated code may use without asking, per architecture. LLVM's list also names tuning flags, system
 * instructions, AMX and SME, which say nothing about whether code runs: LLVM emits those only where a kernel asks for them.
 */
const EXTENSIONS =
  /^(sse3|ssse3|sse4\.[12]|sse4a|popcnt|cx16|movbe|lzcnt|bmi2?|fma4?|f16c|xop|tbm|avx|avx2|avx512\w+|avxvnni\w*|avxifma|avxneconvert|avx10\.\d\S*|gfni|vaes|vpclmulqdq|pclmul|aes|sha|sha512|adx|cmpccxadd|egpr|push2pop2|ppx|ndd|ccmp|cf|nf|zu|neon|fp-armv8|dotprod|fullfp16|fp16fml|i8mm|bf16|sve\S*|lse|lse2|lse128|rcpc\S*|rdm|crc|sha2|sha3|sm4|complxnum|jsconv|fptoint|cssc|mops|hbc)$/;

function extensionsOf(node: FfiObject): string[] {
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
