/** Versions of the package format. They grow with every change that an older reader would get wrong. */

/** Version of a package that says nothing newer. */
export const PACKAGE_VERSION = 2;
/** Version of a package that ranks: its library gives a classifier's logits where an older reader expects rows. */
export const RANKING_VERSION = 3;

/** All versions that this release reads. */
export const READ_VERSIONS: readonly number[] = [PACKAGE_VERSION, RANKING_VERSION];

/** The version of a package, no newer than what it holds. */
export function formatVersion({ ranking }: { readonly ranking?: unknown }): number {
  return ranking === undefined ? PACKAGE_VERSION : RANKING_VERSION;
}
