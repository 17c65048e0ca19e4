// A driver of NVIDIA's that does not exist (test/cpp/fake_cuda), for processes of their own: Linux only.
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of its libraries, which looks like a toolkit. */
export const FAKE_CUDA = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../build/fake_cuda");

/** The libcudart that belongs to the fake driver. */
export const FAKE_CUDART = path.join(FAKE_CUDA, "lib64", "libcudart.so.13");

export interface FakeGpus {
  /** Of each GPU: 90 for 9.0. */
  readonly capabilities?: readonly number[];
  /** CUDA of the driver: 12040 for 12.4. */
  readonly version?: number;
  /** What the driver's start returns. */
  readonly start?: number;
}

/** The environment of a process with these GPUs: its drivers come first, its toolkit too. */
export function fakeCuda({
  capabilities = [90],
  version = 13000,
  start = 0,
}: FakeGpus = {}): Record<string, string> {
  return {
    LD_LIBRARY_PATH: path.join(FAKE_CUDA, "lib64"),
    CUDA_HOME: FAKE_CUDA,
    FAKE_CUDA_CAPABILITIES: capabilities.join(","),
    FAKE_CUDA_VERSION: String(version),
    FAKE_CUDA_INIT: String(start),
  };
}

/** The environment of a process with a driver that has hardly a function. */
export const emptyDriver: Record<string, string> = { LD_LIBRARY_PATH: path.join(FAKE_CUDA, "empty") };
