/**
 * The file of a saved session: 8 bytes "MLCSESS1", uint32 length of the header, the header (JSON, UTF-8), int32 token ids, the KV
 * pages of the tokens' beginning as the engine holds them. Little endian.
 */
import { createHash } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { MlcError } from "../errors.js";
import { fileError } from "../package/file-error.js";

/** What a session is made of. */
export interface SavedSession {
  readonly messages: unknown;
  readonly tokens: Int32Array;
  readonly pages: Uint8Array;
}

/** The model a session belongs to: keys and values mean nothing to another. */
export interface SessionModel {
  readonly modelName: string;
  /** Digest of the package's content. */
  readonly digest: string;
}

interface Header {
  readonly model: string;
  readonly digest: string;
  readonly messages: unknown;
  readonly tokens: number;
  /** SHA-256 of all that follows the header. */
  readonly sha256: string;
}

const MAGIC = Buffer.from("MLCSESS1");
const TOKEN_BYTES = Int32Array.BYTES_PER_ELEMENT;
/** Bytes before the header. */
const PREAMBLE = MAGIC.length + 4;

/** Writes a session; the file appears whole or not at all. Errors: ERR_IO. */
export async function writeSession(file: string, model: SessionModel, session: SavedSession): Promise<void> {
  const { messages, tokens, pages } = session;
  const ids = Buffer.from(tokens.buffer, tokens.byteOffset, tokens.byteLength);
  const header: Header = {
    model: model.modelName,
    digest: model.digest,
    messages,
    tokens: tokens.length,
    sha256: createHash("sha256").update(ids).update(pages).digest("hex"),
  };
  const json = Buffer.from(JSON.stringify(header));
  const preamble = Buffer.alloc(PREAMBLE);
  MAGIC.copy(preamble);
  preamble.writeUInt32LE(json.length, MAGIC.length);
  const partial = `${file}.partial`;
  try {
    const handle = await open(partial, "w");
    try {
      for (const part of [preamble, json, ids, pages]) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (cause) {
    await rm(partial, { force: true });
    throw fileError(`write the session ${file}`, cause);
  }
}

/**
 * Reads a session of a model.
 * Errors: ERR_IO; ERR_INVALID_SESSION for a file that is none, that is damaged, or that another model has written.
 */
export async function readSession(file: string, model: SessionModel): Promise<SavedSession> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw fileError(`read the session ${file}`, cause);
  });
  const { header, end } = readHeader(bytes, file);
  if (header.digest !== model.digest)
    throw invalid(file, `a session of ${model.modelName}`, `one of another package (${header.model})`);
  const payload = bytes.subarray(end);
  const idBytes = header.tokens * TOKEN_BYTES;
  if (payload.length < idBytes || createHash("sha256").update(payload).digest("hex") !== header.sha256)
    throw invalid(file, "the content its header describes", "damaged content");
  // A copy, as the ids may lie unaligned.
  const tokens = new Int32Array(Uint8Array.from(payload.subarray(0, idBytes)).buffer);
  return { messages: header.messages, tokens, pages: new Uint8Array(payload.subarray(idBytes)) };
}

function readHeader(bytes: Buffer, file: string): { header: Header; end: number } {
  if (bytes.length < PREAMBLE || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw invalid(file, "a saved session", "another kind of file");
  const end = PREAMBLE + bytes.readUInt32LE(MAGIC.length);
  if (end > bytes.length) throw invalid(file, `a header of ${end - PREAMBLE} bytes`, "a shorter file");
  let header: unknown;
  try {
    header = JSON.parse(bytes.toString("utf8", PREAMBLE, end));
  } catch (cause) {
    throw invalid(file, "a JSON header", "something else", cause);
  }
  if (!isHeader(header)) throw invalid(file, "a session's header", "another");
  return { header, end };
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== "object" || value === null) return false;
  const { model, digest, tokens, sha256 } = value as Record<string, unknown>;
  return [model, digest, sha256].every((text) => typeof text === "string") && isCount(tokens);
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function invalid(file: string, expected: string, received: string, cause?: unknown): MlcError {
  return new MlcError(
    "ERR_INVALID_SESSION",
    `Expected ${expected} in ${file} but received ${received}: save the session again with this model.`,
    { details: { file }, ...(cause === undefined ? {} : { cause }) },
  );
}
