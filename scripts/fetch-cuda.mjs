// Obtains NVIDIA's compiler library NVRTC, with which models are compiled for CUDA, and the runtime library libcudart from NVIDIA's
// wheels, and unpacks them into deps/<platform>-<arch>-cuda: for machines without CUDA's toolkit. NVIDIA's licence, which is in that
// folder, is that of the toolkit.
import { unpackWheels } from "./wheels.mjs";

const platform = `${process.platform}-${process.arch}`;
const PLATFORMS = ["linux-x64", "linux-arm64", "win32-x64"];

function fail(message) {
  console.error(`fetch-cuda: ${message}`);
  process.exit(1);
}

if (!PLATFORMS.includes(platform))
  fail(`expected a platform that CUDA has (${PLATFORMS.join(", ")}), this is ${platform}`);
try {
  unpackWheels({
    what: "NVRTC",
    list: "cuda-wheels.txt",
    platform,
    folder: `${platform}-cuda`,
    // Headers, static libraries and a second build of the compiler: none is used.
    isSuperfluous: (file) => /\.a$|\.lib$|\.alt\.|\/include\//.test(file),
  });
} catch (error) {
  fail(error.message);
}
