/** The native side, loaded when the first engine is: importing the package must not need the addon. */
import type { NativeRuntime } from "../ffi/addon-runtime.js";

export type { NativeRuntime };

/** The addon's runtime. Errors: ERR_NATIVE, ERR_RUNTIME_MISMATCH where the addon does not load. */
export async function nativeRuntime(): Promise<NativeRuntime> {
  return (await import("../ffi/index.js")).addonRuntime;
}
