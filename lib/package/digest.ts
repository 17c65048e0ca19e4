/** SHA-256 of package files, as lower-case hexadecimal text. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { MlcError } from "../errors.js";
import type { ManifestFile } from "./manifest.js";

/** Digest that grows while its file is written. */
export class StreamingDigest {
  private readonly hash = createHash("sha256");
  private length = 0;

  /** Bytes seen so far. */
  get bytes(): number {
    return this.length;
  }

  update(chunk: Uint8Array): void {
    this.hash.update(chunk);
    this.length += chunk.length;
  }

  /** Size and digest of everything seen; the digest ends here. */
  finish(): ManifestFile {
    return { bytes: this.length, sha256: this.hash.digest("hex") };
  }
}

/**
 * Checks the content of a file against the manifest. `name` is its path in the package, for the message.
 * Errors: ERR_DIGEST_MISMATCH, ERR_ABORTED when `signal` fires, or the file system's own error.
 */
export async function verifyDigest(
  path: string,
  name: string,
  expected: ManifestFile,
  signal?: AbortSignal,
): Promise<void> {
  const digest = new StreamingDigest();
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    if (signal?.aborted) throw new MlcError("ERR_ABORTED", `Verification of ${name} was aborted.`);
    digest.update(chunk as Uint8Array);
  }
  const { sha256 } = digest.finish();
  if (sha256 !== expected.sha256) {
    throw new MlcError(
      "ERR_DIGEST_MISMATCH",
      `Expected sha256 ${expected.sha256} for ${name} but received ${sha256}: the file was changed or damaged after the compile. Compile or download the package again.`,
      { details: { file: name, expected: expected.sha256, received: sha256 } },
    );
  }
}
