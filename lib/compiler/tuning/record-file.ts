/**
 * The record file: what was measured on this machine, so that it is measured once. JSON in the user's cache folder; its name has the
 * version of its form, so that versions do not disturb each other. A file that cannot be used costs the records, never the compile.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { array, type InferOutput, literal, maxValue, minValue, picklist, pipe, string } from "valibot";
import { cacheFolder } from "../../cache-folder.js";
import { fileError } from "../../package/file-error.js";
import { closedObject, finiteNumber, keyedObject, match, wholeNumber } from "../../package/json-schema.js";
import type { LinearTuning } from "../kernels/index.js";
import type { Machine } from "./machine.js";

/** Grows with every change that makes older records wrong: another form, or other tuning numbers. */
const VERSION = 1;
const FORMAT = "node-mlc-tuning";

const bytes = pipe(wholeNumber(0), maxValue(1 << 30));
const tokens = pipe(wholeNumber(1), maxValue(64));

const tuningSchema = closedObject({
  tileTokens: tokens,
  tileRows: picklist([8, 16, 32]),
  fewTokens: tokens,
  fewTileTokens: tokens,
  prefetchBytes: bytes,
  activationBytes: bytes,
  panelBytes: bytes,
} satisfies Record<keyof LinearTuning, unknown>);

const kernelSchema = closedObject({
  tuning: tuningSchema,
  /** Times faster than the defaults, by workload. */
  speedups: keyedObject(string(), pipe(finiteNumber, minValue(0))),
  /** Names of the axes that were searched. */
  searched: array(string()),
});

const fileSchema = closedObject({
  format: literal(FORMAT),
  version: literal(VERSION),
  machines: array(
    closedObject({
      cpu: string(),
      features: array(string()),
      threads: wholeNumber(1),
      compiler: string(),
      /** By the kernels' names. */
      kernels: keyedObject(string(), kernelSchema),
    }),
  ),
});

type RecordFile = InferOutput<typeof fileSchema>;
/** What is known of one kernel. */
export type KernelRecord = InferOutput<typeof kernelSchema>;
/** Records by the kernels' names. */
export type KernelRecords = ReadonlyMap<string, KernelRecord>;

/** Where the records are, in `cacheFolder` of the same arguments. */
export function recordFilePath(...from: Parameters<typeof cacheFolder>): string {
  return path.join(cacheFolder(...from), `tuning-${VERSION}.json`);
}

/**
 * The records of a machine.
 * @param onNotice told why a file that is there cannot be used; there are no records then.
 */
export async function readRecords(
  file: string,
  machine: Machine,
  onNotice: (notice: string) => void,
): Promise<KernelRecords> {
  const { machines } = await readFileOrNotice(file, onNotice);
  return new Map(Object.entries(machines.find((other) => isSame(other, machine))?.kernels ?? {}));
}

/**
 * Adds records of a machine to those in the file, in one step: readers see the file before or after. What another process adds in the
 * same moment may be lost, and is measured again. A file that cannot be used is replaced.
 * @param onNotice told why the file cannot be written.
 */
export async function addRecords(
  file: string,
  machine: Machine,
  records: KernelRecords,
  onNotice: (notice: string) => void,
): Promise<void> {
  const { machines } = await readFileOrNotice(file, () => undefined);
  const before = machines.find((other) => isSame(other, machine));
  const after = { ...machine, features: [...machine.features], kernels: { ...before?.kernels } };
  for (const [name, each] of records) after.kernels[name] = each;
  const content: RecordFile = {
    format: FORMAT,
    version: VERSION,
    machines: [...machines.filter((other) => other !== before), after],
  };
  const staging = `${file}.${process.pid}-${randomBytes(4).toString("hex")}`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(staging, `${JSON.stringify(content, undefined, 1)}\n`);
    await rename(staging, file);
  } catch (cause) {
    await rm(staging, { force: true }).catch(() => undefined);
    onNotice(`${fileError(`keep the tuning records in ${file}`, cause).message} The package has them.`);
  }
}

const EMPTY: RecordFile = { format: FORMAT, version: VERSION, machines: [] };

async function readFileOrNotice(file: string, onNotice: (notice: string) => void): Promise<RecordFile> {
  try {
    const content: unknown = JSON.parse(await readFile(file, "utf8"));
    const matched = match(fileSchema, content);
    if ("data" in matched) return matched.data;
    const [{ place, message }] = matched.faults;
    onNotice(unusable(file, `${place.join(".") || "top level"}: ${message}`));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return EMPTY;
    onNotice(unusable(file, error instanceof Error ? error.message : String(error)));
  }
  return EMPTY;
}

function unusable(file: string, reason: string): string {
  return `The tuning records in ${file} cannot be used (${reason}): compiling without them. Remove the file, or compile with --tune to replace it.`;
}

function isSame(a: Machine, b: Machine): boolean {
  const key = ({ cpu, features, threads, compiler }: Machine) =>
    JSON.stringify([cpu, features, threads, compiler]);
  return key(a) === key(b);
}
