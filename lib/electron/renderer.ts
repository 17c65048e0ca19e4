/** The side that asks, without anything of Node: "node-mlc/electron/renderer". */
export { type ErrorCode, MlcError } from "../errors.js";
export {
  connectEngine,
  type RemoteCallOptions,
  type RemoteCreate,
  type RemoteEngine,
} from "./connect-engine.js";
export type { RemoteStream } from "./connection.js";
export type { AnyMessagePort } from "./port.js";
