/** `node-mlc logits`: logits of token rows into a safetensors file, fed in the ways that must not matter. */
import { readFile } from "node:fs/promises";
import { MlcError } from "../../errors.js";
import { defineCommand, integerFlag } from "../command.js";
import { ENGINE_ARGS, loadEngine } from "../engine-flags.js";
import { lines } from "../output.js";
import { writeSafetensors } from "../safetensors.js";

export const logitsCommand = defineCommand({
  meta: { name: "logits", description: "Write the logits of token rows, for numeric checks" },
  args: {
    ...ENGINE_ARGS,
    tokens: {
      type: "string",
      valueHint: "FILE.json",
      required: true,
      description: "[[ids], ...]: rows of one length",
    },
    output: {
      type: "string",
      alias: "o",
      valueHint: "OUT.safetensors",
      required: true,
      description: "Gets float32 `logits` [rows, length, vocabulary]",
    },
    chunk: { type: "string", valueHint: "N", description: "Prefill in pieces of N tokens" },
    decode: { type: "string", valueHint: "K", description: "Feed the last K ids one by one" },
    together: { type: "boolean", description: "Run the rows as one batch" },
  },
  async run(args, { output, signal }) {
    const rows = await readRows(args.tokens);
    const length = rows[0]?.length ?? 0;
    const chunk = integerFlag("chunk", args.chunk);
    const decode = integerFlag("decode", args.decode, 0, length);
    await using engine = await loadEngine(args, { maxBatch: args.together ? rows.length : 1, signal });
    const data = await engine.logits(rows, {
      ...(chunk === undefined ? {} : { chunk }),
      ...(decode === undefined ? {} : { decode }),
      together: args.together,
    });
    const shape = [rows.length, length, engine.manifest.model.vocabSize];
    await writeSafetensors(args.output, "logits", data, shape);
    output.result({ file: args.output, shape }, () =>
      lines([
        ["file", args.output],
        ["shape", shape.join(" x ")],
      ]),
    );
  },
});

async function readRows(file: string): Promise<number[][]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw new MlcError("ERR_IO", `Expected to read ${file} but received ${(cause as Error).message}.`, {
      cause,
    });
  }
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (cause) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected JSON in ${file} but received text that does not parse.`,
      { cause },
    );
  }
  const isRow = (row: unknown): row is number[] =>
    Array.isArray(row) && row.length > 0 && row.every((id) => Number.isInteger(id) && id >= 0);
  if (!Array.isArray(rows) || rows.length === 0 || !rows.every(isRow)) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected [[token ids], ...] in ${file} but received something else.`,
    );
  }
  if (new Set(rows.map((row) => row.length)).size !== 1) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected rows of one length in ${file} but received several.`,
    );
  }
  return rows;
}
