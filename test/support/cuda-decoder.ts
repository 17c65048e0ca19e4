// A program: runs a compiled decoder on CUDA device 0 for a prompt and a token after it. Arguments: the library, the model's folder.
import { readFileSync } from "node:fs";
import path from "node:path";
import { architectureOfHuggingFace } from "../../lib/compiler/models/registry.js";
import {
  call,
  device,
  FfiModule,
  loadCompilerLibrary,
  loadDeviceRuntime,
  Tensor,
} from "../../lib/ffi/index.js";
import { DecoderRunner, type Placement } from "./decoder-runner.js";
import { float32Parameters } from "./float32-parameters.js";
import { words } from "./gpu-kernel.js";
import { readSafetensors } from "./safetensors.js";

const [library = "", folder = ""] = process.argv.slice(2);

function toDevice(tensor: Tensor): Tensor {
  const there = Tensor.empty([...tensor.shape], tensor.dtype, device("cuda", 0));
  call("runtime.TVMTensorCopyFromTo", tensor, there);
  return there;
}

const CUDA: Placement = {
  deviceType: 2,
  parameter: (tensor) => toDevice(tensor.shape.length === 3 ? words(tensor) : tensor),
  pages: toDevice,
  input: toDevice,
  result: (tensor) => {
    const here = Tensor.empty([...tensor.shape], tensor.dtype);
    call("runtime.TVMTensorCopyFromTo", tensor, here);
    return here;
  },
};

loadCompilerLibrary();
loadDeviceRuntime("cuda");
const source = JSON.parse(readFileSync(path.join(folder, "config.json"), "utf8")) as Record<string, unknown>;
const config = architectureOfHuggingFace(source).fromHuggingFace(source);
const { tensors } = float32Parameters(config, readSafetensors(path.join(folder, "model.safetensors")));
const runner = new DecoderRunner(FfiModule.loadFromFile(library), config, tensors, "float32", 64, CUDA);
const tokens = Array.from({ length: 20 }, (_, token) => token);
console.log("prefill");
const prefill = runner.step("batch_prefill", [{ sequence: 0, tokens }]);
console.log("decode");
const decode = runner.step("decode", [{ sequence: 0, tokens: [1] }]);
console.log(`rows ${prefill.length} ${decode.length}`);
