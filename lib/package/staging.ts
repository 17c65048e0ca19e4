/**
 * Staging folders: how a folder comes into being at once or not at all.
 *
 * Beside the destination `models/x` live, while a compile runs, `models/.x.staging-PID-RANDOM` (being written) and for a moment
 * `models/.x.replaced-PID-RANDOM` (the previous package). PID tells a later run whether the owner is still alive.
 */
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";

type Purpose = "staging" | "replaced";

/** Makes an empty staging folder beside `output` (and the parent folders); returns its path. */
export async function createStaging(output: string): Promise<string> {
  const folder = besideName(output, "staging");
  await mkdir(path.dirname(output), { recursive: true });
  await mkdir(folder);
  return folder;
}

/**
 * Cleans up after runs that were killed: removes their staging folders, puts a replaced package back where the run died between
 * taking it away and putting the new one in place.
 */
export async function removeStale(output: string): Promise<void> {
  const parent = path.dirname(output);
  const prefix = `.${path.basename(output)}.`;
  const entries = await readdir(parent).catch(() => []);
  for (const entry of entries) {
    const match = entry.startsWith(prefix)
      ? /^(staging|replaced)-(\d+)-[0-9a-f]{8}$/.exec(entry.slice(prefix.length))
      : null;
    if (match === null || isAlive(Number(match[2]))) continue;
    const folder = path.join(parent, entry);
    if (match[1] === "replaced" && !(await exists(output))) await rename(folder, output);
    else await rm(folder, { recursive: true, force: true });
  }
}

/** Puts `staging` in the place of `output`, whatever was there. On failure the old content is back in place. */
export async function replaceFolder(staging: string, output: string): Promise<void> {
  const previous = besideName(output, "replaced");
  const replaced = await exists(output);
  if (replaced) await rename(output, previous);
  try {
    await rename(staging, output);
  } catch (error) {
    if (replaced) await rename(previous, output);
    throw error;
  }
  await syncFolder(path.dirname(output));
  if (replaced) await rm(previous, { recursive: true, force: true });
}

/** Makes the names in a folder durable, where the platform can. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

function besideName(output: string, purpose: Purpose): string {
  const random = randomBytes(4).toString("hex");
  return path.join(path.dirname(output), `.${path.basename(output)}.${purpose}-${process.pid}-${random}`);
}

/** Whether a process of this number runs; one of another user counts too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
