// CUDA devices by a driver that only pretends, in processes of their own: what is listed, what is missing, and which code a GPU gets.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { writeContainer } from "../support/cuda-container.js";
import { emptyDriver, FAKE_CUDART, fakeCuda } from "../support/fake-cuda.js";
import { runChild } from "../support/native-child.js";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

const prelude = `
  native.loadDeviceRuntime("cuda");
  const cudart = ${JSON.stringify([FAKE_CUDART])};
  const attempt = (action) => {
    try { return action(); } catch ({ code, message }) { return { code, message }; }
  };
  const print = (value) => console.log(JSON.stringify(value));
`;

async function inProcess(script: string, env: Record<string, string>): Promise<unknown[]> {
  const child = await runChild(`${prelude}${script}`, { env });
  expect(child, child.stderr).toMatchObject({ exitCode: 0, signal: null });
  return child.stdout
    .split("\n")
    .filter((line) => line.startsWith("{") || line.startsWith('"'))
    .map((line) => JSON.parse(line));
}

const list = `print(attempt(() => call("node_mlc.cuda.list_devices", cudart)));`;
const load = `print(attempt(() => call("node_mlc.cuda.load_runtime", cudart) ?? { loaded: native.getGlobalFunction("device_api.cuda") !== undefined }));`;

/** The architecture whose code the callback of TVM's runtime gives for a container of these. */
function choice(names: readonly string[]): string {
  const programs = Object.fromEntries(names.map((name) => [name, Buffer.from(`code of ${name}`)]));
  const container = JSON.stringify(writeContainer(programs).toString("base64"));
  return `print(attempt(() => Buffer.from(call("tvm_callback_cuda_compile", Buffer.from(${container}, "base64"))).toString()));`;
}

const USUAL = ["sm_80", "sm_89", "sm_90", "compute_80"];

describe.skipIf(process.platform !== "linux")("CUDA", () => {
  it("lists the GPUs of the command line with what kernels may use", () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", "lib/cli/main.ts", "devices", "--json"],
      { cwd: root, encoding: "utf8", env: { ...process.env, ...fakeCuda({ capabilities: [90, 86] }) } },
    );
    const { devices } = JSON.parse(stdout || `{"devices":[],"stderr":${JSON.stringify(stderr)}}`);
    const found = devices.filter(({ type }: { type: string }) => type === "cuda");
    const common = {
      type: "cuda",
      available: true,
      kind: "gpu",
      vendor: "NVIDIA Corporation",
      platform: "NVIDIA CUDA",
      driver: "13.0",
      sharedMemoryBytes: 49152,
      maxThreadsPerBlock: 1024,
      computeUnits: 132,
      features: { fp16: true, fp64: true, subgroups: true, integerDotProduct: true, unifiedMemory: false },
    };
    const gigabytes = (count: number) => ({
      memoryBytes: count * 2 ** 30,
      maxAllocationBytes: count * 2 ** 30,
    });
    expect(found).toEqual([
      { ...common, index: 0, name: "Fake GPU 0", version: "compute capability 9.0", ...gigabytes(80) },
      { ...common, index: 1, name: "Fake GPU 1", version: "compute capability 8.6", ...gigabytes(24) },
    ]);
  });

  it.each<readonly [string, Record<string, string>, RegExp]>([
    ["an old driver", fakeCuda({ version: 12040 }), /for CUDA 13\.0 or later.*for CUDA 12\.4.*580/],
    ["a driver that fails", fakeCuda({ start: 999 }), /error 999, unknown error.*nvidia-smi/],
    ["a driver that knows no GPU", fakeCuda({ start: 100 }), /has none.*CUDA_VISIBLE_DEVICES/],
    ["no GPU", fakeCuda({ capabilities: [] }), /has none.*CUDA_VISIBLE_DEVICES/],
    ["a driver without functions", emptyDriver, /no function cuDriverGetVersion.*580/],
  ])("says what to do about %s, and loads nothing", async (_name, env, message) => {
    const expected = { code: "ERR_DEVICE_UNAVAILABLE", message: expect.stringMatching(message) };
    const after = `print({ loaded: native.getGlobalFunction("device_api.cuda") !== undefined });`;
    expect(await inProcess(`${list}${load}${after}`, env)).toEqual([expected, expected, { loaded: false }]);
  });

  it("says what to do about a missing libcudart, and loads it once it is there", async () => {
    const missing = `{ const cudart = ["/no/libcudart.so.13", "/nor/libcudart.so.13"]; ${load} }`;
    expect(await inProcess(`${missing}${load}${load}`, fakeCuda())).toEqual([
      {
        code: "ERR_DEVICE_UNAVAILABLE",
        message: expect.stringMatching(/\/no\/libcudart.*\/nor\/libcudart.*cuda-cudart-13.*CUDA_HOME/s),
      },
      { loaded: true },
      { loaded: true },
    ]);
  });

  it("has tensors on the device", async () => {
    const [result] = await inProcess(
      `${load.replace("print", "void ")}
      const there = native.Tensor.empty([3], "float32", native.createDevice({ type: "cuda", index: 0 }));
      const here = native.Tensor.from(Float32Array.of(1, 2, 3), [3]);
      const back = native.Tensor.empty([3], "float32");
      call("runtime.TVMTensorCopyFromTo", here, there);
      call("runtime.TVMTensorCopyFromTo", there, back);
      print({ device: there.device.type, values: [...back.view()] });`,
      fakeCuda(),
    );
    expect(result).toEqual({ device: "cuda", values: [1, 2, 3] });
  });

  it.each([
    [90, "sm_90"],
    [86, "sm_80"],
    [120, "compute_80"],
  ])("gives a GPU of capability %i the code for %s", async (capability, name) => {
    const env = fakeCuda({ capabilities: [capability] });
    expect(await inProcess(choice(USUAL), env)).toEqual([`code of ${name}`]);
  });

  it("gives the code for the GPU that the thread has chosen", async () => {
    const script = `${load}${choice(USUAL)}
      native.Tensor.empty([1], "float32", native.createDevice({ type: "cuda", index: 1 }));
      ${choice(USUAL)}`;
    expect(await inProcess(script, fakeCuda({ capabilities: [80, 90] }))).toEqual([
      { loaded: true },
      "code of sm_80",
      "code of sm_90",
    ]);
  });

  it("says which code a library has where none is for the GPU, and refuses one that is damaged", async () => {
    const foreign = `print(attempt(() => call("tvm_callback_cuda_compile", Buffer.from("__global__ void k() {}"))));`;
    expect(await inProcess(`${choice(USUAL)}${foreign}`, fakeCuda({ capabilities: [75] }))).toEqual([
      {
        code: "ERR_DEVICE_UNAVAILABLE",
        message: expect.stringMatching(
          /Fake GPU 0 runs \(sm_75\).*has sm_80, sm_89, sm_90, compute_80.*cuda:sm_75/,
        ),
      },
      { code: "ERR_NATIVE", message: expect.stringMatching(/compile the model again/) },
    ]);
  });

  it("compiles without a driver, or says where NVRTC is to be had", async () => {
    const none = `print(attempt(() => call("node_mlc.cuda.compile", "", ["sm_90"], ["/no/libnvrtc.so.13"])));`;
    expect(await inProcess(none, emptyDriver)).toEqual([
      {
        code: "ERR_COMPILER_NOT_FOUND",
        message: expect.stringMatching(/\/no\/libnvrtc\.so\.13.*CUDA_HOME.*fetch-cuda\.mjs/s),
      },
    ]);
  });
});
