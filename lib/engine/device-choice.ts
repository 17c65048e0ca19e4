/** Where a model runs: a GPU that the package has code for, or the processor; decided before anything is loaded. */
import { MlcError } from "../errors.js";
import type { DeviceRuntime, RuntimeDevice } from "../ffi/device-runtime.js";
import type { ManifestLibrary } from "../package/manifest.js";
import { unexpected } from "./expectation.js";
import { chooseLibrary, type HostMachine, isForSystem } from "./library-choice.js";
import type { NativeRuntime } from "./native-runtime.js";

/** The device that an engine runs on. */
export interface EngineDevice {
  readonly type: "cpu" | DeviceRuntime;
  /** Position in the list of its type's devices. */
  readonly index: number;
  readonly name: string;
  /** Why this one. */
  readonly reason: string;
}

/** "auto", or a type, of GPUs with an index ("opencl:1"; default: the first). */
export type DeviceOption = "auto" | "cpu" | DeviceRuntime | `${DeviceRuntime}:${number}`;

/** A checked option. */
export type DeviceRequest =
  | { readonly type: "auto" }
  /** `reason`: why, where nobody asked for it. */
  | { readonly type: "cpu"; readonly reason?: string }
  | { readonly type: DeviceRuntime; readonly index: number };

/** Runtimes in the order in which "auto" asks them. */
const RUNTIMES: readonly DeviceRuntime[] = ["cuda", "vulkan", "opencl"];

/** Share of a device's memory that "auto" lets a model have; the rest is for what else uses it. */
const MEMORY_SHARE = 0.9;

/** What runs where. */
export interface Placement {
  readonly library: ManifestLibrary;
  readonly device: EngineDevice;
  /** Of a device other than the processor: what its driver says. */
  readonly driver: RuntimeDevice | undefined;
}

/** Errors: ERR_INVALID_ARGUMENT. */
export function expectDevice(value: unknown): DeviceRequest {
  if (value === undefined || value === "auto") return { type: "auto" };
  if (value === "cpu") return { type: "cpu" };
  const match = typeof value === "string" ? /^(\w+)(?::(\d{1,3}))?$/.exec(value) : null;
  const runtime = RUNTIMES.find((type) => type === match?.[1]);
  if (runtime === undefined)
    throw unexpected(
      "device",
      `"auto", "cpu" or one of ${RUNTIMES.map((type) => `"${type}"`).join(", ")}, with ":INDEX"`,
      value,
    );
  return { type: runtime, index: Number(match?.[2] ?? 0) };
}

/** What a choice depends on. */
export interface PlacementRequest {
  readonly libraries: readonly ManifestLibrary[];
  readonly machine: HostMachine;
  readonly device: DeviceRequest;
  /** A library asked for by name. */
  readonly library: string | undefined;
  /** Bytes that the model needs at least. */
  readonly leastBytes: number;
  readonly runtime: Pick<NativeRuntime, "devices">;
}

/**
 * Chooses device and library. "auto" takes the first GPU that the package has code for and that has the memory, else the processor: never
 * a driver that computes on the processor itself.
 * Errors: ERR_DEVICE_UNAVAILABLE for a device that is not there, ERR_INVALID_ARGUMENT where the package has no code for it;
 * as chooseLibrary.
 */
export async function choosePlacement(request: PlacementRequest): Promise<Placement> {
  const { libraries, machine, device, library } = request;
  if (device.type === "cpu") return onProcessor(request, device.reason ?? "asked for");
  if (device.type !== "auto") return onDevice(request, device);
  if (library !== undefined) {
    const named = RUNTIMES.find((type) => type === library);
    if (named !== undefined) return onDevice(request, { type: named, index: 0 });
    return onProcessor(request, `the library ${library} is for it`);
  }
  const passed: string[] = [];
  for (const type of RUNTIMES) {
    const own = gpuLibrary(libraries, machine, type);
    if (own === undefined) continue;
    const found = await listed(request, type);
    if (typeof found === "string") {
      passed.push(found);
      continue;
    }
    const fit = found.find((driver) => driver.kind === "gpu" && hasRoom(driver, request.leastBytes));
    if (fit !== undefined) return placed(own, type, fit, "the first GPU that the package has code for");
    passed.push(`${type} has no GPU with ${Math.ceil(request.leastBytes / 1e6)} MB for it`);
  }
  const why = passed.length === 0 ? "the package has code for nothing else" : passed.join("; ");
  return onProcessor(request, why);
}

function hasRoom(driver: RuntimeDevice, bytes: number): boolean {
  return driver.memoryBytes * MEMORY_SHARE >= bytes;
}

/** Bytes that a model may have on a device. */
export function deviceBudget(driver: RuntimeDevice): number {
  return Math.floor(driver.memoryBytes * MEMORY_SHARE);
}

function onProcessor({ libraries, machine, library }: PlacementRequest, reason: string): Placement {
  const chosen = chooseLibrary(libraries, machine, library);
  return {
    library: chosen,
    device: { type: "cpu", index: 0, name: chosen.target.cpu, reason },
    driver: undefined,
  };
}

async function onDevice(
  request: PlacementRequest,
  { type, index }: { readonly type: DeviceRuntime; readonly index: number },
): Promise<Placement> {
  const { libraries, machine } = request;
  const library = gpuLibrary(libraries, machine, type);
  if (library === undefined) {
    const names = libraries.map(({ name, target }) => `${name}@${target.triple}`);
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a package with code for ${type} on this system but it has ${names.join(", ")}: compile the model with --target cpu,${type}.`,
      { details: { names } },
    );
  }
  const found = await listed(request, type);
  if (typeof found === "string") throw new MlcError("ERR_DEVICE_UNAVAILABLE", found);
  const driver = found[index];
  if (driver === undefined)
    throw new MlcError(
      "ERR_DEVICE_UNAVAILABLE",
      `Expected a device ${type}:${index} but there are ${found.length}: "node-mlc devices" lists them.`,
    );
  return placed(library, type, driver, "asked for");
}

function placed(
  library: ManifestLibrary,
  type: DeviceRuntime,
  driver: RuntimeDevice,
  reason: string,
): Placement {
  return { library, device: { type, index: driver.index, name: driver.name, reason }, driver };
}

function gpuLibrary(
  libraries: readonly ManifestLibrary[],
  machine: HostMachine,
  type: DeviceRuntime,
): ManifestLibrary | undefined {
  return libraries.find((library) => library.target.gpu === type && isForSystem(library, machine));
}

/** The devices of a runtime, or why there are none. */
async function listed(
  { runtime }: PlacementRequest,
  type: DeviceRuntime,
): Promise<readonly RuntimeDevice[] | string> {
  try {
    return (await runtime.devices?.(type)) ?? [];
  } catch (error) {
    if (error instanceof MlcError && error.code !== "ERR_ENGINE_CRASHED") return error.message;
    throw error;
  }
}
