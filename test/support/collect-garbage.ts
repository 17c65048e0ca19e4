/** Runs the garbage collector and lets finalizers run, until `done` holds or the rounds are used up. */
export async function collectGarbage(done: () => boolean = () => false, rounds = 20): Promise<void> {
  const collect = globalThis.gc;
  if (collect === undefined)
    throw new Error("Expected node --expose-gc (vitest's projects 'native' and 'e2e' set it).");
  for (let round = 0; round < rounds && !done(); round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
