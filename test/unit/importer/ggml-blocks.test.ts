import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { BLOCK_DECODERS } from "../../../lib/compiler/importer/dequantize.js";
import { BLOCK_SIZES, type SourceDtype } from "../../../lib/compiler/importer/ggml-types.js";

// Random blocks and the floats of gguf-py's reference; generate.py beside the file tells how they were made.
const fixtures = JSON.parse(
  readFileSync(new URL("../../fixtures/ggml-blocks/blocks.json", import.meta.url), "utf8"),
) as Record<SourceDtype, { blocks: string; floats: string }>;

const dtypes = Object.keys(BLOCK_SIZES) as SourceDtype[];

test.each(dtypes)("%s blocks dequantise to the reference bit for bit", (dtype) => {
  const { blocks, floats } = fixtures[dtype];
  const bytes = Buffer.from(blocks, "base64");
  const expected = new Uint32Array(new Uint8Array(Buffer.from(floats, "base64")).buffer);
  const { values, bytes: size } = BLOCK_SIZES[dtype];
  const count = bytes.byteLength / size;
  const out = new Float32Array(count * values);
  BLOCK_DECODERS[dtype](bytes, 0, count, out, 0);
  expect(new Uint32Array(out.buffer)).toEqual(expected);
});

test.each(dtypes)("%s blocks can start anywhere and go anywhere", (dtype) => {
  const { values, bytes: size } = BLOCK_SIZES[dtype];
  const blocks = Buffer.from(fixtures[dtype].blocks, "base64");
  const shifted = new Uint8Array(blocks.byteLength + 3);
  shifted.set(blocks, 3);
  const count = blocks.byteLength / size;
  const whole = new Float32Array(count * values);
  BLOCK_DECODERS[dtype](blocks, 0, count, whole, 0);
  const part = new Float32Array(values + 5).fill(7);
  BLOCK_DECODERS[dtype](shifted, 3 + size * 2, 1, part, 4);
  expect(part.slice(4, 4 + values)).toEqual(whole.slice(2 * values, 3 * values));
  expect([...part.slice(0, 4), part.at(-1)]).toEqual([7, 7, 7, 7, 7]);
});
