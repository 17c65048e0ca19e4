/** Versions of the package format. They grow with every change that an older reader would get wrong. */

/** Version of a package that says nothing newer. */
export const PACKAGE_VERSION = 2;
/**
 * Version of a package that ranks (its library gives a classifier's logits where an older reader expects rows), or that has libraries for
 * GPUs (which an older reader would run on the processor).
 */
export const EXTENDED_VERSION = 3;

/** All versions that this release reads. */
export const READ_VERSIONS: readonly number[] = [PACKAGE_VERSION, EXTENDED_VERSION];

/** The version of a package, no newer than what it holds. */
export function formatVersion({ ranking, libraries = [] }: VersionedParts): number {
  const isPlain = ranking === undefined && libraries.every(({ target }) => target.gpu === undefined);
  return isPlain ? PACKAGE_VERSION : EXTENDED_VERSION;
}

/** What decides. */
interface VersionedParts {
  readonly ranking?: unknown;
  readonly libraries?: readonly { readonly target: { readonly gpu?: string | undefined } }[];
}
