/** Writes one tensor as a safetensors file: 8 bytes of header length, a JSON header, the data. */
import { open } from "node:fs/promises";
import { MlcError } from "../errors.js";

/** Writes float32 `data` of `shape` under `name`. Errors: ERR_IO. */
export async function writeSafetensors(
  file: string,
  name: string,
  data: Float32Array,
  shape: readonly number[],
): Promise<void> {
  const entry = { dtype: "F32", shape, data_offsets: [0, data.byteLength] };
  const json = JSON.stringify({ [name]: entry });
  // Padded with spaces so that the data begins at a multiple of 8.
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  try {
    const handle = await open(file, "w");
    try {
      await handle.writeFile(Buffer.concat([length, header]));
      await handle.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new MlcError("ERR_IO", `Expected to write ${file} but received ${(cause as Error).message}.`, {
      cause,
    });
  }
}
