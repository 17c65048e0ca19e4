/** The forms of integer products by name, and which of them a processor does best. */
import type { DotForm } from "./dot-form.js";
import { NeonDot } from "./neon-dot.js";
import { PairsDot } from "./pairs-dot.js";
import { VnniDot } from "./vnni-dot.js";

/** Forms by name, for the options of kernels. */
export const DOT_FORMS = ["vnni512", "vnni256", "avx2", "neon-dotprod"] as const;
export type DotFormName = (typeof DOT_FORMS)[number];

const FORMS: Readonly<Record<DotFormName, DotForm>> = {
  vnni512: new VnniDot(16),
  vnni256: new VnniDot(8),
  avx2: new PairsDot(),
  "neon-dotprod": new NeonDot(),
};

/** The form of a name. */
export function dotForm(name: DotFormName): DotForm {
  return FORMS[name];
}

/** LLVM features that a form needs: all of any one set. AVX-512 has bytes with BW and narrower vectors with VL. */
const NEEDS: Readonly<Record<DotFormName, readonly (readonly string[])[]>> = {
  vnni512: [["avx512vnni", "avx512bw"]],
  vnni256: [["avxvnni"], ["avx512vnni", "avx512vl"]],
  avx2: [["avx2"]],
  "neon-dotprod": [["dotprod"]],
};

/** Whether a processor with these LLVM features can run a form. */
export function canRun(name: DotFormName, features: ReadonlySet<string>): boolean {
  return NEEDS[name].some((needed) => needed.every((feature) => features.has(feature)));
}

/** The best form for a processor with these LLVM features, if it has one. */
export function bestDotForm(features: ReadonlySet<string>): DotFormName | undefined {
  return DOT_FORMS.find((name) => canRun(name, features));
}
