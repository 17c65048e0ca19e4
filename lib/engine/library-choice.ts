/** Which compiled library of a package runs on this machine; decided before anything is loaded into the process. */
import { MlcError } from "../errors.js";
import type { Manifest, ManifestLibrary } from "../package/manifest.js";
import { TVM_VERSIONS } from "../package/tvm-versions.js";

/** The machine, in Node's names, with LLVM's feature names. */
export interface HostMachine {
  readonly platform: string;
  readonly arch: string;
  readonly features: ReadonlySet<string>;
}

/** How far a library fits a machine. */
export interface LibraryFitness {
  readonly library: ManifestLibrary;
  /** Whether it is for the machine's operating system and architecture. */
  readonly forSystem: boolean;
  /** Features it needs and the machine's CPU lacks. */
  readonly missing: readonly string[];
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

/** This process's machine with the features that the native side found. */
export function hostMachine(features: readonly string[]): HostMachine {
  return { platform: process.platform, arch: process.arch, features: new Set(features) };
}

/**
 * The best library for a machine's processor: of those that run there the one with the widest vectors, then with the most features, then the
 * first. `name` asks for one by name, to compare levels.
 * Errors: ERR_CPU_UNSUPPORTED naming what each library needs that is not there, ERR_INVALID_ARGUMENT for a name of none.
 */
export function chooseLibrary(
  libraries: readonly ManifestLibrary[],
  host: HostMachine,
  name?: string,
): ManifestLibrary {
  const own = libraries.filter(({ target }) => target.gpu === undefined);
  const asked = name === undefined ? own : own.filter((library) => library.name === name);
  if (asked.length === 0) {
    const names = [...new Set(libraries.map((library) => library.name))];
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected the name of one of the package's libraries (${names.join(", ")}) for library but received ${JSON.stringify(name)}.`,
      { details: { names } },
    );
  }
  const fitnesses = asked.map((library) => libraryFitness(library, host));
  const [best] = fitnesses
    .filter(runs)
    .map(({ library }) => library)
    .sort(moreDemanding);
  if (best === undefined) throw unsupported(fitnesses, host);
  return best;
}

/** What keeps a library from running on a machine. */
export function libraryFitness(library: ManifestLibrary, host: HostMachine): LibraryFitness {
  const missing = library.target.features.filter((feature) => !host.features.has(feature));
  return { library, forSystem: isForSystem(library, host), missing };
}

/** Whether a library is for a machine's operating system and architecture. */
export function isForSystem(
  { target: { triple } }: ManifestLibrary,
  { arch, platform }: HostMachine,
): boolean {
  return ARCHITECTURES[arch]?.test(triple) === true && SYSTEMS[platform]?.test(triple) === true;
}

/** Whether the library runs. */
export function runs({ forSystem, missing }: LibraryFitness): boolean {
  return forSystem && missing.length === 0;
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

function moreDemanding({ target: a }: ManifestLibrary, { target: b }: ManifestLibrary): number {
  return b.vectorBits - a.vectorBits || b.features.length - a.features.length;
}

function unsupported(fitnesses: readonly LibraryFitness[], host: HostMachine): MlcError {
  const reasons = fitnesses.map(({ library: { name, target }, forSystem, missing }) =>
    forSystem
      ? `${name} needs ${missing.join(", ")}, which this CPU lacks`
      : `${name} is for ${target.triple}`,
  );
  return new MlcError(
    "ERR_CPU_UNSUPPORTED",
    `Expected a library that runs on this machine (${host.platform}-${host.arch}) but the package has none: ${reasons.join("; ")}. Compile the model on this machine, or with --target cpu:portable for any like it.`,
    {
      details: {
        libraries: fitnesses.map(({ library: { name, target }, missing }) => ({
          name,
          triple: target.triple,
          features: target.features,
          missing,
        })),
      },
    },
  );
}
