export { type ErrorCode, MlcError } from "./errors.js";
