// The targets of one package: lists of specifications, and the levels that "portable" stands for.
import { MlcError } from "../../errors.js";
import { hostTriple, parseTarget, resolveTarget, type Target, type TargetSpecification } from "./target.js";

/**
 * Levels of an architecture: the least any processor in use has, then what makes the kernels faster. x86-64-v4 alone is left out:
 * its processors without 8-bit dot products (2017 to 2019) run the x86-64-v3 code about as fast.
 */
const PORTABLE: readonly (readonly [triple: RegExp, levels: readonly string[]])[] = [
  [
    /^(x86_64|amd64)-/,
    ["cpu:x86-64-v2", "cpu:x86-64-v3", "cpu:x86-64-v3+avxvnni", "cpu:x86-64-v4+avx512vnni"],
  ],
  [/^(aarch64|arm64)/, ["cpu:generic", "cpu:generic+dotprod"]],
];

/**
 * Resolves the targets of a package, each once, in the order given. For every system with a GPU there is one for its processor too, which
 * runs the package where the GPU is missing: this machine's, or the portable levels of another.
 * @param specifications each as `parseTarget` reads it; `cpu:portable` stands for the levels of this machine's architecture,
 *   `cpu:portable@TRIPLE` for those of another.
 * @throws MlcError ERR_INVALID_ARGUMENT for a wrong one, or two that differ but have the same name.
 */
export function resolveTargets(specifications: readonly string[]): Target[] {
  const targets = new Map<string, Target>();
  for (const specification of withFallbacks(specifications.flatMap(expand))) {
    const target = resolveTarget(specification);
    const key = `${target.triple} ${target.name}`;
    const before = targets.get(key);
    if (before === undefined) targets.set(key, target);
    else if (!sameFeatures(before, target))
      throw new MlcError(
        "ERR_INVALID_ARGUMENT",
        `Expected different targets but two are called "${target.name}": ${reasonOf(target)}. Name one of them only.`,
        { details: { name: target.name, triple: target.triple } },
      );
  }
  return [...targets.values()];
}

function withFallbacks(parsed: readonly TargetSpecification[]): TargetSpecification[] {
  const bare = new Set(parsed.filter(({ gpu }) => gpu !== undefined).map(({ triple }) => triple));
  for (const { gpu, triple } of parsed) if (gpu === undefined) bare.delete(triple);
  const fallbacks = [...bare].map((triple) => (triple === hostTriple() ? "cpu" : `cpu:portable@${triple}`));
  return [...parsed, ...fallbacks.flatMap(expand)];
}

function expand(specification: string): TargetSpecification[] {
  const parsed = parseTarget(specification);
  if (parsed.cpu !== "portable") return [parsed];
  const { triple, extensions } = parsed;
  const levels = PORTABLE.find(([pattern]) => pattern.test(triple))?.[1];
  if (levels === undefined || extensions.length > 0)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected "cpu:portable" without extensions, for x86_64 or aarch64, but received "${specification}" for ${triple}.`,
    );
  return levels.map((level) => ({ ...parseTarget(level), triple }));
}

function sameFeatures(a: Target, b: Target): boolean {
  return (
    a.features.size === b.features.size &&
    [...a.features].every((feature) => b.features.has(feature)) &&
    String(a.gpu?.architectures) === String(b.gpu?.architectures)
  );
}

function reasonOf({ gpu }: Target): string {
  if (gpu !== undefined) return "their architectures differ, and one library has code for all that are named";
  return "this machine's processor goes by that name but lacks some of its extensions";
}
