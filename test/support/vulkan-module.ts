// Vulkan modules from WGSL written by hand, as compiled libraries hold them. Their kernels have no buffers: data pointers do
// not reach JavaScript.
import { FfiModule } from "../../lib/ffi/index.js";
import { globalFunction } from "./global-function.js";
import { Serialised } from "./serialised.js";
import { vulkan } from "./vulkan-device.js";

/** A module with one kernel, "nothing". */
export function moduleBytes(code: string | Uint8Array): Buffer {
  const module = new Serialised().count(1).text("nothing").text("nothing").count(0);
  module.count(3).text("blockIdx.x").text("threadIdx.x").text("paramWriteAccess:[]").count(0);
  const bytes = Buffer.from(code);
  return module.count(1).text("nothing").count(bytes.length).raw(bytes).bytes();
}

/** Reads a module; WGSL is compiled now, the pipeline is built at the first launch. */
export function loadModule(bytes: Uint8Array): FfiModule {
  const module = globalFunction("ffi.Module.load_from_bytes.webgpu").call(bytes);
  if (!(module instanceof FfiModule)) throw new Error("no module");
  return module;
}

/** Compiles a module and runs its kernel. */
export function runCode(code: string | Uint8Array, blocks = 1): void {
  loadModule(moduleBytes(code)).getFunction("nothing").call(blocks, 64);
  globalFunction("runtime.Device_StreamSync").call(vulkan(), 0);
}

/**
 * WGSL of the kernel.
 * @param body its statements; `i` is the index of the invocation.
 * @param before declarations, and the directives that must come first.
 */
export function kernelSource(body: string, before = "", threads = 64): string {
  return `${before}
struct PODArgs { packGridDimX : u32 }
@group(0) @binding(0) var<uniform> podArgs : PODArgs;
var<workgroup> shared_values : array<u32, ${threads}>;
@compute @workgroup_size(${threads}, 1, 1)
fn nothing(@builtin(workgroup_id) block : vec3<u32>, @builtin(local_invocation_id) thread : vec3<u32>) {
  if (block.x > podArgs.packGridDimX) { return; }
  let i = thread.x;
  ${body}
}
`;
}
