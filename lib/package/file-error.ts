/** Errors of the file system as errors of this project: what could not be done, why, and what helps. */
import { MlcError } from "../errors.js";

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the device; free some or choose another folder",
  EDQUOT: "the disk quota is used up; free some space or choose another folder",
  EFBIG: "the file is larger than the file system or the process limit allows",
  EACCES: "permission denied; choose a folder you may write to",
  EPERM: "operation not permitted; choose a folder you may write to",
  EROFS: "the file system is read-only; choose another folder",
  ENOTDIR: "a part of the path is a file, not a folder",
  ENOENT: "no such file or folder",
  EISDIR: "it is a folder, not a file",
  EMFILE: "too many files are open in this process",
};

/** An MlcError stays itself; anything else becomes ERR_IO: "Could not {action}: {reason}". */
export function fileError(action: string, cause: unknown): MlcError {
  if (cause instanceof MlcError) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  const reason =
    (code === undefined ? undefined : ADVICE[code]) ??
    (cause instanceof Error ? cause.message : String(cause));
  return new MlcError("ERR_IO", `Could not ${action}: ${reason}.`, { cause, details: { systemCode: code } });
}
