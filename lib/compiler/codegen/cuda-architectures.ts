// Architectures of NVIDIA GPUs that a library has code for.
import { MlcError } from "../../errors.js";

/** Ampere, Ada and Hopper; later ones by PTX, which their driver compiles. */
const DEFAULT = ["sm_80", "sm_89", "sm_90", "compute_80"] as const;

/** Compute capabilities that CUDA 13 compiles for. */
const CAPABILITIES = ["75", "80", "86", "87", "88", "89", "90", "100", "103", "110", "120", "121"] as const;

/** Written out: what a list may have. */
const KNOWN = CAPABILITIES.map((capability) => `sm_${capability}`).join(", ");

/**
 * Reads `sm_NN[+sm_NN...][+compute_NN]`: machine code for each `sm_NN`, PTX for later GPUs than `compute_NN`. Nothing stands for
 * sm_80, sm_89, sm_90 and compute_80.
 * @throws MlcError ERR_INVALID_ARGUMENT for an unknown architecture, one that is named twice, or two of PTX.
 */
export function parseArchitectures(list: string | undefined): readonly string[] {
  if (list === undefined) return DEFAULT;
  const names = list.split("+");
  for (const name of names) requireKnown(name);
  const ptx = names.filter((name) => name.startsWith("compute_"));
  if (ptx.length > 1 || new Set(names).size < names.length)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected each architecture of a CUDA target once, and at most one compute_NN, but received "${list}".`,
    );
  return names;
}

function requireKnown(name: string): void {
  const capability = /^(?:sm|compute)_(\d+)$/.exec(name)?.[1];
  if (CAPABILITIES.some((known) => known === capability)) return;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected architectures of NVIDIA GPUs after "cuda:" but received "${name}". Known: ${KNOWN}, and compute_NN (PTX) of the same numbers.`,
    { details: { architecture: name, known: [...CAPABILITIES] } },
  );
}
