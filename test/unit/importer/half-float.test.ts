import { expect, test } from "vitest";
import {
  bfloat16ToFloat,
  floatToHalf,
  halfToFloat,
  roundToHalf,
} from "../../../lib/compiler/importer/half-float.js";

test("every half survives the way to float and back", () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = halfToFloat(bits);
    if (Number.isNaN(value)) expect(Number.isNaN(halfToFloat(floatToHalf(value)))).toBe(true);
    else if (floatToHalf(value) !== bits) expect.fail(`half 0x${bits.toString(16)} came back different`);
  }
});

test("floats between two halves go to the nearer one, ties to the even one", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [halfToFloat(bits), halfToFloat(bits + 1)];
    const middle = (low + high) / 2;
    const even = bits % 2 === 0 ? bits : bits + 1;
    const step = (high - low) / 64;
    const ok =
      floatToHalf(middle) === even &&
      floatToHalf(-middle) === (even | 0x8000) &&
      floatToHalf(middle - step) === bits &&
      floatToHalf(middle + step) === bits + 1;
    if (!ok) expect.fail(`rounding around half 0x${bits.toString(16)}`);
  }
});

test("the ends of the range", () => {
  expect(floatToHalf(65504)).toBe(0x7bff);
  expect(floatToHalf(65519.99)).toBe(0x7bff);
  expect(floatToHalf(65520)).toBe(0x7c00);
  expect(floatToHalf(1e30)).toBe(0x7c00);
  expect(floatToHalf(-Infinity)).toBe(0xfc00);
  expect(floatToHalf(-0)).toBe(0x8000);
  expect(floatToHalf(2 ** -25)).toBe(0);
  expect(floatToHalf(2 ** -25 * 1.001)).toBe(1);
  expect(roundToHalf(0.1)).toBe(0.0999755859375);
});

test("bfloat16 is the upper half of a float", () => {
  expect(bfloat16ToFloat(0x3f80)).toBe(1);
  expect(bfloat16ToFloat(0xc2f7)).toBe(-123.5);
  expect(bfloat16ToFloat(0x7f80)).toBe(Infinity);
});
