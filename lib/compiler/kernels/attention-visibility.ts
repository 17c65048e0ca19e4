/**
 * Which keys a row sees. Position p sees keys 0 to p, or with a window keys p - window + 1 to p and, beside them, the first
 * `sinkTokens` of the sequence (the attention sinks of StreamingLLM, arXiv 2309.17453). Keys are visited in chunks of 128; chunks
 * that no row of a task sees are left out, and in those at the edges the other keys are masked.
 */
import { MlcError } from "../../errors.js";
import { PAGE_SIZE } from "../../package/kv-format.js";
import { float, type PrimExpr, select } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { laneIndices } from "../ir/vector.js";
import type { Strip } from "./attention-strip.js";

export const CHUNK_PAGES = 8;

/** Positions of a chunk. */
export const CHUNK_KEYS = CHUNK_PAGES * PAGE_SIZE;

/** Below every score; a masked key. */
export const MASKED = -1e30;

/** What a row sees of its sequence. */
export interface Visibility {
  /** Positions that a row sees, its own included; at least 1. Default: all up to its own. */
  readonly window?: number;
  /** First positions of the sequence that stay visible beside the window. Default 0. */
  readonly sinkTokens?: number;
  /** Rows of the prefill form see all of their sequence, which is in the step whole; no window then. Default false. */
  readonly bidirectional?: boolean;
}

/** Throws ERR_INVALID_ARGUMENT for a window that is none, or one of a bidirectional model. */
export function checkVisibility({ window, sinkTokens = 0, bidirectional = false }: Visibility): void {
  if (bidirectional && window !== undefined)
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected no window of bidirectional attention but received ${window}.`,
    );
  const isWindow = window === undefined || (Number.isInteger(window) && window >= 1);
  const isSink =
    Number.isInteger(sinkTokens) && sinkTokens >= 0 && (sinkTokens === 0 || window !== undefined);
  if (isWindow && isSink) return;
  throw new MlcError(
    "ERR_INVALID_ARGUMENT",
    `Expected a window of at least one position, and sink tokens only beside a window, but received ${window} and ${sinkTokens}.`,
  );
}

/** Some chunks of a sequence in ascending order. */
export interface ChunkList {
  readonly count: PrimExpr;
  /** How many of them the last position fills, at least 1. */
  readonly whole: PrimExpr;
  /** The chunk in a place of the list: it holds positions from 128 times this number on. */
  at(place: PrimExpr): PrimExpr;
}

/** The chunks with keys that rows at positions `first` to `last` of a sequence see. */
export function visibleChunks(
  block: Block,
  { window, sinkTokens = 0 }: Visibility,
  first: PrimExpr,
  last: PrimExpr,
): ChunkList {
  const end = last.floorDiv(CHUNK_KEYS).add(1);
  const filled = last.add(1).floorDiv(CHUNK_KEYS);
  if (window === undefined) return { count: end, whole: filled.max(1), at: (place) => place };
  const start = first.add(1 - window).max(0);
  const begin = block.bind("first_chunk", start.floorDiv(CHUNK_KEYS));
  const sinks = block.bind("sink_chunks", begin.min(Math.ceil(sinkTokens / CHUNK_KEYS)));
  const skipped = block.bind("skipped", begin.sub(sinks));
  return {
    count: end.sub(skipped),
    whole: filled.sub(skipped).max(1),
    at: (place) =>
      sinkTokens === 0 ? place.add(skipped) : select(place.lt(sinks), place, place.add(skipped)),
  };
}

/** A row's scores of one chunk. */
interface ChunkScores {
  /** [128] */
  readonly scores: Strip;
  /** Of the row. */
  readonly position: PrimExpr;
  /** Position of the chunk's first key. */
  readonly start: PrimExpr;
  /** Pages of the chunk that have scores. */
  readonly pages: PrimExpr;
}

/** Statements that mask the scores of keys that the row may not see; pages of visible keys alone are left as they are. */
export function maskScores(block: Block, visibility: Visibility, row: ChunkScores): void {
  maskFuture(block, row);
  if (visibility.window !== undefined) maskPast(block, { ...visibility, window: visibility.window }, row);
}

function maskFuture(block: Block, { scores, position, start, pages }: ChunkScores): void {
  const visible = block.bind("visible", inChunk(position.add(1).sub(start)));
  const whole = block.bind("whole", visible.floorDiv(PAGE_SIZE));
  block.serial("t", pages.sub(whole).max(0), (inner, t) => {
    const at = inner.bind("at", whole.add(t).mul(PAGE_SIZE));
    const seen = laneIndices(PAGE_SIZE).lt(visible.sub(at).cast("int32"));
    const score = scores.load(PAGE_SIZE, at);
    scores.store(inner, select(seen, score, float(MASKED).broadcast(PAGE_SIZE)), at);
  });
}

/** Masks the keys behind the sinks and before the window. */
function maskPast(
  block: Block,
  { window, sinkTokens = 0 }: Visibility & { readonly window: number },
  { scores, position, start }: ChunkScores,
): void {
  const end = block.bind("window_start", inChunk(position.add(1 - window).sub(start)));
  const sinks = block.bind("sinks", inChunk(start.mul(-1).add(sinkTokens)));
  const firstPage = block.bind("first_masked", sinks.floorDiv(PAGE_SIZE));
  const pages = end
    .add(PAGE_SIZE - 1)
    .floorDiv(PAGE_SIZE)
    .sub(firstPage);
  block.serial("t", pages.max(0), (inner, t) => {
    const at = inner.bind("at", firstPage.add(t).mul(PAGE_SIZE));
    const score = inner.bind("score", scores.load(PAGE_SIZE, at));
    const lane = laneIndices(PAGE_SIZE);
    const recent = select(lane.ge(end.sub(at).cast("int32")), score, float(MASKED).broadcast(PAGE_SIZE));
    scores.store(inner, select(lane.lt(sinks.sub(at).cast("int32")), score, recent), at);
  });
}

/** A position relative to a chunk's start, held within the chunk. */
function inChunk(offset: PrimExpr): PrimExpr {
  return offset.max(0).min(CHUNK_KEYS);
}
