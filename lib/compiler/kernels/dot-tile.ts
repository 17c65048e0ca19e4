/**
 * The inner product of quantised weights and activation blocks: some rows of activations times some row blocks of one weight,
 * with all sums in registers. The one place where these numbers are multiplied, so every form of `linear` gives the same bits:
 * group after group, `sum = fma(float(integer sum), weight scale * activation scale, sum)`.
 */
import type { Buffer } from "../ir/buffer.js";
import { float, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { multiplyAdd, reinterpret, shiftRight } from "../ir/vector.js";
import { BLOCK_ROWS, GROUP_SIZE, WEIGHT_FORMATS } from "../quantization/format.js";
import { OFFSET_WORD, SCALE_WORD, SUM_WORD } from "./activation-blocks.js";
import type { DotForm, RunningSum } from "./dot-product.js";
import type { PanelBlock } from "./panels.js";
import { codeKind, groupCodes, groupMinima, groupScales, type WeightRows } from "./weight-codes.js";

const CACHE_LINE = 64;

/** What a tile multiplies. */
export interface DotTile {
  /** Activation blocks int32[n, columns / 32, 12]. */
  readonly x: Buffer;
  readonly columns: number;
  /** First row of x, and how many. */
  readonly first: PrimExpr;
  readonly tokens: number;
  /** Row blocks of one weight. */
  readonly blocks: readonly PanelBlock[];
  readonly dot: DotForm;
  /** Bytes ahead of the reader at which weights are asked for; 0 for none. */
  readonly prefetchBytes: number;
}

/**
 * Statements that compute a tile.
 * @param outputs for each row block, float32[tokens * 16], overwritten.
 */
export function dotTile(block: Block, tile: DotTile, outputs: readonly Buffer[]): void {
  const sums = outputs.map(() => block.local("sums", tile.tokens * BLOCK_ROWS));
  for (const sum of sums)
    for (let token = 0; token < tile.tokens; token++)
      block.store(sum, float(0).broadcast(BLOCK_ROWS), token * BLOCK_ROWS);
  block.serial("group", tile.columns / GROUP_SIZE, (inner, group) => addGroup(inner, tile, sums, group));
  sums.forEach((sum, part) => {
    const output = outputs[part];
    for (let at = 0; output !== undefined && at < tile.tokens * BLOCK_ROWS; at += BLOCK_ROWS)
      block.store(output, sum.loadVector(BLOCK_ROWS, at), at);
  });
}

/** Rows of a weight that fill one vector, and the buffer their sums go to. */
interface Stream {
  readonly rows: WeightRows;
  readonly sums: Buffer;
}

function streams({ blocks, dot }: DotTile, sums: readonly Buffer[]): Stream[] {
  return blocks.flatMap(({ segment: { weight, format }, rowBlock }, part) => {
    const buffer = sums[part];
    if (buffer === undefined) throw new RangeError("a row block has no sums");
    return Array.from({ length: BLOCK_ROWS / dot.lanes }, (_, vector) => ({
      rows: { weight, format, rowBlock, first: vector * dot.lanes, lanes: dot.lanes },
      sums: buffer,
    }));
  });
}

function addGroup(block: Block, tile: DotTile, sums: readonly Buffer[], group: PrimExpr): void {
  const { dot, tokens } = tile;
  prefetch(block, tile, group);
  const vectors = streams(tile, sums);
  const products = integerSums(block, tile, vectors, group);
  const scales = vectors.map(({ rows }) => groupScales(block, rows, group));
  const minima = hasMinima(tile) ? vectors.map(({ rows }) => groupMinima(block, rows, group)) : undefined;
  for (let token = 0; token < tokens; token++) {
    const word = (index: number) =>
      reinterpret(tile.x.load(tile.first.add(token), group, index), "float32").broadcast(dot.lanes);
    const scale = block.bind("x_scale", word(SCALE_WORD));
    const sum = minima && block.bind("x_sum", word(SUM_WORD));
    vectors.forEach((vector, index) => {
      const at = token * BLOCK_ROWS + vector.rows.first;
      const weightScale = scales[index];
      const product = products[index]?.[token];
      if (weightScale === undefined || product === undefined) return;
      const before = vector.sums.loadVector(dot.lanes, at);
      let after = multiplyAdd(product.cast("float32"), weightScale.mul(scale), before);
      const minimum = minima?.[index];
      if (minimum !== undefined && sum !== undefined) after = multiplyAdd(minimum, sum, after);
      block.store(vector.sums, after, at);
    });
  }
}

/** Sums of (weight code - zero point) * activation code over the group: int32xlanes by vector and token. */
function integerSums(
  block: Block,
  { x, first, tokens, dot }: DotTile,
  vectors: readonly Stream[],
  group: PrimExpr,
): PrimExpr[][] {
  const kind = codeKind(formatOf(vectors));
  const seeds = tokenSeeds(block, x, first, tokens, group, zeroPoint(vectors, dot));
  const totals: RunningSum[][] = vectors.map(() => seeds.map((seed) => dot.start(seed.broadcast(dot.lanes))));
  const codes = vectors.map(({ rows }) => groupCodes(block, rows, group));
  for (let word = 0; word < GROUP_SIZE / 4; word++) {
    const prepared = codes.map((stream) => dot.prepare(block, stream.next().value as PrimExpr, kind));
    for (let token = 0; token < tokens; token++) {
      const activation = block.bind("x_codes", x.load(first.add(token), group, word));
      prepared.forEach((weights, index) => {
        const row = totals[index] as RunningSum[];
        row[token] = dot.add(block, row[token] as RunningSum, weights, activation, kind);
      });
    }
  }
  return totals.map((row) => row.map((total) => dot.finish(block, total)));
}

/** Where the sums begin: -zeroPoint times the sum of the activation codes. */
function tokenSeeds(
  block: Block,
  x: Buffer,
  first: PrimExpr,
  tokens: number,
  group: PrimExpr,
  zero: number,
): PrimExpr[] {
  return Array.from({ length: tokens }, (_, token) => {
    if (zero === 0) return int(0, "int32");
    const minusEight = x.load(first.add(token), group, OFFSET_WORD);
    if (zero === 8) return block.bind("seed", minusEight);
    // Exact: the word is a multiple of 8.
    return block.bind("seed", shiftRight(minusEight, 3).mul(zero));
  });
}

function formatOf(vectors: readonly Stream[]) {
  const [first] = vectors;
  if (first === undefined) throw new RangeError("a tile has no row blocks");
  return first.rows.format;
}

function zeroPoint(vectors: readonly Stream[], dot: DotForm): number {
  const format = formatOf(vectors);
  return WEIGHT_FORMATS[format].zeroPoint + dot.offset(codeKind(format));
}

function hasMinima({ blocks }: DotTile): boolean {
  return blocks.some(({ segment }) => WEIGHT_FORMATS[segment.format].hasMin);
}

/** Asks for the cache lines that one group's worth of reading will reach. */
function prefetch(block: Block, { blocks, prefetchBytes }: DotTile, group: PrimExpr): void {
  if (prefetchBytes === 0) return;
  for (const { segment, rowBlock } of blocks)
    for (let byte = 0; byte < WEIGHT_FORMATS[segment.format].blockBytes; byte += CACHE_LINE)
      block.prefetch(segment.weight, rowBlock, group, prefetchBytes + byte);
}
