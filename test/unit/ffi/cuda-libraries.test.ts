import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cudartFiles, nvrtcFiles } from "../../../lib/ffi/cuda-libraries.js";

describe.skipIf(process.platform === "win32")("NVIDIA's libraries", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("are looked for in the toolkit of the environment, then in ours, then where the loader looks", () => {
    vi.stubEnv("CUDA_HOME", "/opt/cuda");
    vi.stubEnv("CUDA_PATH", "");
    const [first, second, ours = "", last, ...others] = cudartFiles();
    expect([first, second]).toEqual(["/opt/cuda/lib64/libcudart.so.13", "/opt/cuda/lib/libcudart.so.13"]);
    expect(ours).toContain(path.join(`deps/${process.platform}-${process.arch}-cuda`, "nvidia"));
    expect([last, others]).toEqual(["libcudart.so.13", []]);
  });

  it("are of CUDA 13, and the compiler of CUDA 12 only where none of 13 is anywhere", () => {
    vi.stubEnv("CUDA_HOME", "");
    vi.stubEnv("CUDA_PATH", "/path");
    const versions = nvrtcFiles().map((file) => file.slice(-2));
    expect(versions).toEqual(["13", "13", "13", "13", "12", "12", "12", "12"]);
    expect(nvrtcFiles()[0]).toBe("/path/lib64/libnvrtc.so.13");
  });
});
