/** The messages between an engine and a program that has a MessagePort to it: a renderer of Electron, a worker. */
import type { PlainError } from "../isolation/protocol.js";

/** Changes whenever a message does. */
export const PROTOCOL_VERSION = 1;

/** Items of a stream that may be on their way before the reader asks for more. */
export const STREAM_WINDOW = 32;

/** What a client may ask: nothing else of the engine can be reached. */
export const METHODS = [
  "chat.completions.create",
  "completions.create",
  "responses.create",
  "embeddings.create",
  "rerank",
  "tokenize",
  "detokenize",
  "applyChatTemplate",
  "stats",
] as const;

export type Method = (typeof METHODS)[number];

/** Client to engine. */
export type ToEngine =
  | { readonly type: "call"; readonly id: number; readonly method: Method; readonly args: readonly unknown[] }
  /** The reader of a stream has taken so many items. */
  | { readonly type: "taken"; readonly id: number; readonly items: number }
  | { readonly type: "cancel"; readonly id: number };

/** Engine to client. */
export type FromEngine =
  | { readonly type: "hello"; readonly version: number; readonly model: string }
  /** `stream`: items follow, and an end. */
  | { readonly type: "result"; readonly id: number; readonly value: unknown; readonly stream: boolean }
  | { readonly type: "item"; readonly id: number; readonly value: unknown }
  | { readonly type: "end"; readonly id: number }
  | { readonly type: "failure"; readonly id: number; readonly error: PlainError };
