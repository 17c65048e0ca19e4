import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Folder of the shared test data: the environment's NODE_MLC_TEST_DATA, or ../shared/data beside the checkout. */
const root = process.env.NODE_MLC_TEST_DATA ?? path.resolve(repository, "../shared/data");

/** Path of a file or folder of the shared test data, or undefined where it is absent (the test then skips and says so). */
export function sharedData(...segments: string[]): string | undefined {
  const file = path.join(root, ...segments);
  if (existsSync(file)) return file;
  console.warn(
    `shared test data ${segments.join("/")} is absent: set NODE_MLC_TEST_DATA to run the tests that need it`,
  );
  return undefined;
}
