// Obtains the pinned wheels of Apache TVM and xgrammar and unpacks them into deps/<platform>-<arch>; a folder that is complete is reused.
//
//   node scripts/fetch-tvm.mjs [PLATFORM-ARCH]      e.g. darwin-arm64, to fill another platform's prebuild
import { PIP_PLATFORMS, unpackWheels } from "./wheels.mjs";

function fail(message) {
  console.error(`fetch-tvm: ${message}`);
  process.exit(1);
}

const platform = process.argv[2] ?? `${process.platform}-${process.arch}`;
if (!(platform in PIP_PLATFORMS))
  fail(`expected one of ${Object.keys(PIP_PLATFORMS).join(", ")}, received "${platform}"`);
try {
  unpackWheels({ what: "Apache TVM", list: "tvm-wheels.txt", platform, folder: platform });
} catch (error) {
  fail(error.message);
}
