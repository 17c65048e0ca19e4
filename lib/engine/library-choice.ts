/** Whether and which compiled library of a package runs on this machine; decided before anything is loaded into the process. */
import { MlcError } from "../errors.js";
import type { Manifest, ManifestLibrary } from "../package/manifest.js";
import { TVM_VERSIONS } from "../package/tvm-versions.js";

/** The machine, in Node's names, with LLVM's feature names. */
export interface HostMachine {
  readonly platform: string;
  readonly arch: string;
  readonly features: ReadonlySet<string>;
}

const ARCHITECTURES: Readonly<Record<string, RegExp>> = {
  x64: /^(x86_64|amd64)-/,
  arm64: /^(aarch64|arm64)/,
};
const SYSTEMS: Readonly<Record<string, RegExp>> = {
  linux: /-linux-/,
  darwin: /-(apple-)?(darwin|macosx)/,
  win32: /-windows-/,
};

/**
 * The library for this machine that uses most of its features.
 * Errors: ERR_CPU_UNSUPPORTED naming the missing features, or the targets where none is for this system.
 */
export function chooseLibrary(libraries: readonly ManifestLibrary[], host: HostMachine): ManifestLibrary {
  const candidates = libraries.filter(({ target }) => isForSystem(target.triple, host));
  if (candidates.length === 0) {
    throw new MlcError(
      "ERR_CPU_UNSUPPORTED",
      `Expected a library for ${host.platform}-${host.arch} in the package but it has ${libraries.map(({ target }) => target.triple).join(", ")}: compile the model for this machine.`,
      { details: { triples: libraries.map(({ target }) => target.triple) } },
    );
  }
  const byFeatures = candidates
    .map((library) => ({ library, missing: missingFeatures(library, host) }))
    .sort((a, b) => b.library.target.features.length - a.library.target.features.length);
  const usable = byFeatures.find(({ missing }) => missing.length === 0);
  if (usable !== undefined) return usable.library;
  const nearest = byFeatures.reduce((best, next) =>
    next.missing.length < best.missing.length ? next : best,
  );
  throw new MlcError(
    "ERR_CPU_UNSUPPORTED",
    `Expected a CPU with ${nearest.missing.join(", ")} (the package is compiled for ${nearest.library.target.cpu}) but this one lacks them: compile the model on this machine, or with --target cpu:x86-64-v2 for any.`,
    { details: { missing: nearest.missing, cpu: nearest.library.target.cpu } },
  );
}

/** A library runs only on the TVM runtime it was made for. Errors: ERR_RUNTIME_MISMATCH with both versions. */
export function checkRuntimeVersion(tvm: Manifest["tvm"]): void {
  if (tvm.runtime === TVM_VERSIONS.runtime && tvm.ffi === TVM_VERSIONS.ffi) return;
  throw new MlcError(
    "ERR_RUNTIME_MISMATCH",
    `Expected a package compiled for TVM ${TVM_VERSIONS.runtime} (tvm-ffi ${TVM_VERSIONS.ffi}) but received one for ${tvm.runtime} (${tvm.ffi}): compile the model again with this version of node-mlc.`,
    { details: { expected: TVM_VERSIONS, received: tvm } },
  );
}

function isForSystem(triple: string, host: HostMachine): boolean {
  const architecture = ARCHITECTURES[host.arch];
  const system = SYSTEMS[host.platform];
  return architecture?.test(triple) === true && system?.test(triple) === true;
}

function missingFeatures(library: ManifestLibrary, host: HostMachine): string[] {
  return library.target.features
    .map((feature) => feature.replace(/^\+/, ""))
    .filter((feature) => !feature.startsWith("-") && !host.features.has(feature));
}
