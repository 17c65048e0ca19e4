export type { ErrorCode } from "../errors.js";
export { MlcError } from "../errors.js";
export { ModelPackage } from "../package/model-package.js";
export { compile } from "./compile.js";
export type { CompileOptions, CompileProgress } from "./compile-options.js";
export { architectures } from "./models/registry.js";
export { SCHEME_NAMES } from "./quantization/registry.js";
