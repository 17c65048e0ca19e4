/** What the readers of calls give to those who want them. */
import type { JsonKinds } from "./argument-kinds.js";

/** Where calls go as they are read. */
export interface CallSink {
  /** Whether a function of this name may be called. */
  isKnown(name: string): boolean;
  /** The kinds of values that an argument of a known function may have. */
  kindsOf(name: string, key: string): JsonKinds;
  /** A call; `written` is the id the model wrote, where it did. */
  call(name: string, written?: string): void;
  arguments(text: string): void;
  /**
   * Whether arguments are passed on while they are read: only where a grammar guarantees what follows; else a call is
   * announced when it is whole, so that a malformed one stays text.
   */
  readonly eager: boolean;
}
