// The container of code for NVIDIA GPUs, written and read on its own: the form is fixed, for libraries that are compiled today are loaded
// tomorrow.
const MARK = "node-mlc cuda code 1\n";

/** Programs by architecture as a container. */
export function writeContainer(programs: Readonly<Record<string, Uint8Array>>): Buffer {
  const withLength = (bytes: Uint8Array) => [uint64(BigInt(bytes.length)), bytes];
  const entries = Object.entries(programs);
  const content = Buffer.concat([
    Buffer.from(MARK, "latin1"),
    uint64(BigInt(entries.length)),
    ...entries.flatMap(([name, program]) => [...withLength(Buffer.from(name)), ...withLength(program)]),
  ]);
  return Buffer.concat([content, uint64(fnv(content))]);
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

/** Finds a container in bytes and reads its programs, by architecture. */
export function findContainer(bytes: Buffer): Map<string, Buffer> {
  const container = bytes.subarray(bytes.indexOf(MARK, 0, "latin1"));
  if (container.toString("latin1", 0, MARK.length) !== MARK) throw new Error("no container");
  let at = MARK.length;
  const size = () => {
    at += 8;
    return Number(container.readBigUInt64LE(at - 8));
  };
  const next = () => {
    const length = size();
    at += length;
    return container.subarray(at - length, at);
  };
  const programs = new Map<string, Buffer>();
  for (let count = size(); count > 0; count--) {
    const name = next().toString("latin1");
    programs.set(name, next());
  }
  const checksum = container.readBigUInt64LE(at);
  if (checksum !== fnv(container.subarray(0, at))) throw new Error("wrong checksum");
  return programs;
}

/** FNV-1a of 64 bits. */
function fnv(bytes: Uint8Array): bigint {
  let hash = 14695981039346656037n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 1099511628211n);
  return hash;
}
