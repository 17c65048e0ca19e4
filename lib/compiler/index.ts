export type { ErrorCode } from "../errors.js";
export { MlcError } from "../errors.js";
export { ModelPackage } from "../package/model-package.js";
export { compile } from "./compile.js";
export type { CompileOptions, CompileProgress, TuneOptions } from "./compile-options.js";
export { DEFAULT_TUNE_SECONDS } from "./compile-options.js";
export { architectures } from "./models/registry.js";
export { SCHEME_NAMES } from "./quantization/registry.js";
