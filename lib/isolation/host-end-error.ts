/** What a host's end is for those who asked it. */
import { MlcError } from "../errors.js";
import type { HostEnd, HostKind } from "./host-channel.js";

/** ERR_ENGINE_CRASHED with what ended the host, and what to do. */
export function crashError(kind: HostKind, end: HostEnd): MlcError {
  const how =
    end.signal !== null
      ? `was ended by ${end.signal}`
      : end.exitCode !== null
        ? `ended with exit code ${end.exitCode}`
        : "could not be started";
  const where = kind === "worker" ? "worker thread" : "process";
  const why = end.error instanceof Error ? ` (${end.error.message})` : "";
  return new MlcError(
    "ERR_ENGINE_CRASHED",
    `Expected the engine's ${where} to run but it ${how}${why}: call engine.restart(), and send the request again.${remedy(end)}`,
    { cause: end.error, details: { isolation: kind, exitCode: end.exitCode, signal: end.signal } },
  );
}

/** The usual reason of some ends. */
function remedy({ signal }: HostEnd): string {
  return signal === "SIGKILL"
    ? " The system kills processes like this when memory is short: a smaller maxBatch or contextLength needs less."
    : "";
}
