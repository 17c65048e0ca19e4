/** Bodies that are nested too deep are known before they are parsed. */
import { expect, it } from "vitest";
import { isDeeper } from "../../../lib/server/json-depth.js";

const deeper = (text: string, levels: number) => isDeeper(new TextEncoder().encode(text), levels);

it("counts objects and lists together", () => {
  expect(deeper('{"a":[{"b":[]}]}', 4)).toBe(false);
  expect(deeper('{"a":[{"b":[]}]}', 3)).toBe(true);
  expect(deeper(`[${"[],".repeat(1000)}[]]`, 2)).toBe(false);
  expect(deeper("[".repeat(513), 512)).toBe(true);
});

it("braces in texts are no levels, whatever stands before the quote", () => {
  expect(deeper('["[[[[", "{\\"[[[", "\\\\", "[[\\\\\\"[["]', 1)).toBe(false);
  expect(deeper('["\\\\", [[]]]', 2)).toBe(true);
  expect(deeper('{"é[[[[": "😀{{{{"}', 1)).toBe(false);
});

it("a text that never ends", () => {
  expect(deeper('["[[[[', 1)).toBe(false);
  expect(deeper('["\\', 1)).toBe(false);
});
