/** The native side in a worker thread or a child process. */
import { MlcError } from "../errors.js";
import type { DeviceRuntime, RuntimeDevice } from "../ffi/device-runtime.js";
import type { NativeEngineConfig, NativeEvent } from "../ffi/native-engine.js";
import { type HostKind, startHost } from "./host-channel.js";
import { HostConnection } from "./host-connection.js";
import { IsolatedEngine } from "./isolated-engine.js";

/** What an engine needs of the native side, and of a host that no engine has taken over. */
export interface IsolatedRuntime {
  /** LLVM names of the features the running CPU and system support. */
  cpuFeatures(): readonly string[];
  /** Of the host. */
  devices(runtime: DeviceRuntime): Promise<readonly RuntimeDevice[]>;
  load(
    config: NativeEngineConfig,
    onEvents: (events: readonly NativeEvent[]) => void,
    onProgress: (done: number, total: number, phase: string) => void,
  ): Promise<IsolatedEngine>;
  /** Ends the host, where nothing is loaded. */
  release(): Promise<void>;
}

/**
 * Starts a host. `onCrash` hears of every end of it that nobody asked for.
 * Errors: ERR_NATIVE, ERR_RUNTIME_MISMATCH where it cannot load the addon, ERR_ENGINE_CRASHED.
 */
export async function isolatedRuntime(
  kind: HostKind,
  onCrash: (error: MlcError) => void,
): Promise<IsolatedRuntime> {
  const host = await HostConnection.open(startHost(kind));
  return {
    cpuFeatures: () => host.cpuFeatures,
    devices: (runtime) => host.devices(runtime),
    load: (config, onEvents, onProgress) =>
      IsolatedEngine.load(kind, host, config, { onEvents, onProgress, onCrash }),
    release: () => host.close(new MlcError("ERR_DISPOSED", "Nothing was loaded.")),
  };
}
