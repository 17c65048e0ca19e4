export { MlcError, type ErrorCode } from "./errors.js";
