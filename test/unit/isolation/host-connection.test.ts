/** Both sides of an isolated engine over a channel in memory. */
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { MlcError } from "../../../lib/errors.js";
import type { NativeEngine, NativeEngineConfig, NativeEvent } from "../../../lib/ffi/native-engine.js";
import { type ClientPort, EngineHost } from "../../../lib/isolation/engine-host.js";
import type { HostChannel, HostEnd } from "../../../lib/isolation/host-channel.js";
import { HostConnection } from "../../../lib/isolation/host-connection.js";
import {
  EVENT_WINDOW,
  EVENTS_PER_ACKNOWLEDGEMENT,
  type FromHost,
  fromPlainError,
  PROTOCOL_VERSION,
  type ToHost,
  toPlainError,
} from "../../../lib/isolation/protocol.js";

/** A channel whose other end is in this test's hands. */
function channel() {
  let onMessage = (_message: FromHost): void => {};
  let onEnd = (_end: HostEnd): void => {};
  let receive = (_message: ToHost): void => {};
  const sent: ToHost[] = [];
  const busy: boolean[] = [];
  const client: HostChannel = {
    kind: "process",
    pid: 1,
    post: (message) => {
      sent.push(message);
      queueMicrotask(() => receive(message));
    },
    listen: (message, end) => {
      onMessage = message;
      onEnd = end;
    },
    keepAlive: (isBusy) => busy.push(isBusy),
    close: async () => undefined,
  };
  const host: ClientPort = {
    post: (message) => queueMicrotask(() => onMessage(message)),
    listen: (message) => {
      receive = message;
    },
  };
  return { client, host, sent, busy, end: (end: HostEnd) => onEnd(end) };
}

const config = {} as NativeEngineConfig;
const nobody = { onEvents: () => {}, onProgress: () => {}, onCrash: () => {} };

/** A native engine that says what it is told to. */
function scripted() {
  let emit = (_events: readonly NativeEvent[]): void => {};
  const engine = {
    disposed: false,
    stats: () => ({ finished: 7 }),
    submit: () => undefined,
    score: async () => Float32Array.of(1),
    dispose: async () => undefined,
  } as unknown as NativeEngine;
  const load = async (_config: NativeEngineConfig, onEvents: (events: readonly NativeEvent[]) => void) => {
    emit = onEvents;
    return engine;
  };
  return { runtime: { cpuFeatures: () => ["avx2"], load }, emit: (events: NativeEvent[]) => emit(events) };
}

describe("a host", () => {
  it("greets, loads, answers calls and publishes counters", async () => {
    const { client, host, busy } = channel();
    const opening = HostConnection.open(client);
    new EngineHost(host, scripted().runtime);
    const connection = await opening;
    expect(connection.cpuFeatures).toEqual(["avx2"]);
    await connection.load(config, nobody);
    expect(connection.stats).toEqual({ finished: 7 });
    expect(await connection.request("score", Int32Array.of(1, 2))).toEqual(Float32Array.of(1));
    expect(busy.at(-1)).toBe(false);
  });

  it.each([
    [{ type: "hello", version: 99, cpuFeatures: [] } as const, "ERR_RUNTIME_MISMATCH"],
    [
      { type: "unavailable", error: toPlainError(new MlcError("ERR_NATIVE", "no addon")) } as const,
      "ERR_NATIVE",
    ],
  ])("that cannot serve rejects: %j", async (message, code) => {
    const { client, host } = channel();
    const opening = HostConnection.open(client);
    host.post(message);
    await expect(opening).rejects.toMatchObject({ code });
  });

  it("that ends before it greets is a crash", async () => {
    const { client, end } = channel();
    const opening = HostConnection.open(client);
    end({ exitCode: 3, signal: null });
    await expect(opening).rejects.toMatchObject({ code: "ERR_ENGINE_CRASHED", details: { exitCode: 3 } });
  });

  it("that hangs has ten seconds in all to end", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { client, host } = channel();
    const limits: number[] = [];
    const opening = HostConnection.open({ ...client, close: async (limit) => void limits.push(limit) });
    host.post({ type: "hello", version: PROTOCOL_VERSION, cpuFeatures: [] });
    await vi.advanceTimersByTimeAsync(0);
    const closing = (await opening).close(new MlcError("ERR_DISPOSED", "gone"));
    await vi.advanceTimersByTimeAsync(9_999);
    expect(limits).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await closing;
    expect(limits).toEqual([0]);
  });

  it("joins the events for which its client has no room, and loses none", async () => {
    const { client, host, sent } = channel();
    const { runtime, emit } = scripted();
    const opening = HostConnection.open(client);
    // Acknowledgements are held back: the client is busy.
    let deliver = (_message: ToHost): void => {};
    const listen: ClientPort["listen"] = (message) => {
      deliver = message;
      host.listen((each) => {
        if (each.type !== "acknowledge") message(each);
      });
    };
    new EngineHost({ ...host, listen }, runtime);
    const batches: number[] = [];
    const tokens: number[] = [];
    const connection = await opening;
    await connection.load(config, {
      ...nobody,
      onEvents: (events) => {
        batches.push(events.length);
        tokens.push(...events.flatMap((event) => [...event.tokens]));
      },
    });
    for (let token = 0; token < 200; token++) emit([{ id: 1, tokens: [token] }]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(batches).toHaveLength(EVENT_WINDOW);
    expect(sent.filter(({ type }) => type === "acknowledge")).toHaveLength(
      EVENT_WINDOW / EVENTS_PER_ACKNOWLEDGEMENT,
    );
    deliver({ type: "acknowledge", batches: EVENT_WINDOW });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(batches.at(-1)).toBe(200 - EVENT_WINDOW);
    expect(tokens).toEqual(Array.from({ length: 200 }, (_, token) => token));
  });
});

it("errors cross with code, details and stack", () => {
  const error = new MlcError("ERR_CONTEXT_OVERFLOW", "too long", { details: { tokens: 5n, at: { x: [1] } } });
  const back = fromPlainError(structuredClone(toPlainError(error)));
  expect(back).toMatchObject({
    code: "ERR_CONTEXT_OVERFLOW",
    message: "too long",
    details: { tokens: "5", at: { x: [1] } },
  });
  expect(String(back.cause)).toContain("host-connection.test");
  expect(fromPlainError(toPlainError(new RangeError("odd"))).code).toBe("ERR_NATIVE");
  expect(fromPlainError(toPlainError(undefined))).toMatchObject({ code: "ERR_NATIVE", message: "undefined" });
});
