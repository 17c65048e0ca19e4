import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { TVM_VERSIONS } from "../../lib/package/tvm-versions.js";
import { packageRoot } from "../../lib/package-root.js";

test("packages name the releases that the build pins", () => {
  const pins = readFileSync(path.join(packageRoot, "scripts/tvm-wheels.txt"), "utf8");
  const pinned = (name: string) => new RegExp(`^${name}==(\\S+)`, "m").exec(pins)?.[1];
  expect(TVM_VERSIONS).toEqual({ runtime: pinned("apache-tvm"), ffi: pinned("apache-tvm-ffi") });
});
