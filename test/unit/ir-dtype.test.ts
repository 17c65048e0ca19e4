import { describe, expect, it } from "vitest";
import { dtypeParts, withLanes } from "../../lib/compiler/ir/dtype.js";

describe("data types of expressions", () => {
  it.each([
    ["float32", "float32", 1, 32, "float"],
    ["int8x64", "int8", 64, 8, "int"],
    ["uint8", "uint8", 1, 8, "uint"],
    ["boolx16", "bool", 16, 8, "bool"],
  ])("%s", (name, element, lanes, bits, kind) => {
    expect(dtypeParts(name)).toEqual({ element, lanes, bits, kind });
    expect(withLanes(element, lanes)).toBe(name);
  });

  it.each(["float", "int32x", "f32", "", "float32x4x4", "handle"])('refuses "%s"', (name) => {
    expect(() => dtypeParts(name)).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringContaining(`"${name}"`),
      }),
    );
  });
});
