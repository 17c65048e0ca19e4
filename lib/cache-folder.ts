/** The folder for what can be made again. */
import os from "node:os";
import path from "node:path";

/**
 * `$NODE_MLC_CACHE`, else `node-mlc` in the system's folder for caches: `$XDG_CACHE_HOME` or `~/.cache`, on macOS
 * `~/Library/Caches`, on Windows `%LOCALAPPDATA%`. It may not be there yet.
 */
export function cacheFolder(
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = os.homedir(),
): string {
  const { NODE_MLC_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  const system = {
    darwin: path.join(home, "Library", "Caches"),
    win32: LOCALAPPDATA || path.join(home, "AppData", "Local"),
  }[platform as string];
  return NODE_MLC_CACHE || path.join(system ?? (XDG_CACHE_HOME || path.join(home, ".cache")), "node-mlc");
}
