import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { native } from "../../lib/ffi/native.js";
import { packageRoot } from "../../lib/package-root.js";

/** Member names of an interface in the text of lib/ffi/<file>. */
function declaredMembers(file: string, name: string): string[] {
  const text = readFileSync(path.join(packageRoot, "lib/ffi", file), "utf8");
  const body = new RegExp(`interface ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(text)?.[1] ?? "";
  return [...body.matchAll(/^ {2}(?:readonly )?([a-zA-Z]\w*)[(:?]/gm)].flatMap(([, member]) => member ?? []);
}

const ownNames = (value: object) =>
  Object.getOwnPropertyNames(value).filter((name) => name !== "constructor");

describe("the declared surface is what the addon registers", () => {
  it("the addon", () => {
    expect(Object.keys(native).sort()).toEqual(declaredMembers("native.ts", "NativeAddon").sort());
  });

  it.each([
    ["FfiObject", native.FfiObject.prototype],
    ["FfiFunction", native.FfiFunction.prototype],
    ["FfiModule", native.FfiModule.prototype],
    ["Tensor", native.Tensor.prototype],
    ["FfiFloat", native.FfiFloat.prototype],
    ["DType", native.DType.prototype],
    ["Shape", native.Shape.prototype],
  ])("%s", (name, prototype) => {
    expect(ownNames(prototype).sort()).toEqual(declaredMembers("value.ts", name).sort());
  });
});
