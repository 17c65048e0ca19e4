/**
 * The inner product of quantised weights and activation blocks: some rows of activations times some row blocks of one weight,
 * with all sums in registers. The one place where these numbers are multiplied, so every form of `linear` gives the same bits:
 * scale after scale along the columns, `sum = fma(float(integer sum), weight scale * activation scale, sum)`.
 */
import type { Buffer } from "../ir/buffer.js";
import { asExpr, float, int, type PrimExpr } from "../ir/prim-expr.js";
import type { Block } from "../ir/statement.js";
import { lanesOf, multiplyAdd, reinterpret, shiftRight } from "../ir/vector.js";
import {
  BLOCK_ROWS,
  blockLayout,
  GROUP_SIZE,
  WEIGHT_FORMATS,
  type WeightFormat,
} from "../quantization/format.js";
import { HALF_OFFSET_WORD, OFFSET_WORD, SCALE_WORD, SUM_WORD } from "./activation-blocks.js";
import type { DotForm, RunningSum } from "./dot/dot-form.js";
import type { PanelBlock } from "./panels.js";
import { codeKind, groupCodes } from "./weight-codes.js";
import {
  blockMinima,
  blockScales,
  type GroupPlace,
  groupInBlock,
  groupMinima,
  groupScales,
  type WeightRows,
} from "./weight-group.js";

const CACHE_LINE = 64;

/** What a tile multiplies. */
export interface DotTile {
  /** Activation blocks int32[n, columns / 32, 12]. */
  readonly x: Buffer;
  readonly columns: number;
  /** First row of x, and how many. */
  readonly first: PrimExpr;
  readonly tokens: number;
  /** Row blocks of one weight, and the rows of each that the tile has: `rows` from `firstRow` on. */
  readonly blocks: readonly PanelBlock[];
  readonly firstRow: number;
  readonly rows: number;
  readonly dot: DotForm;
  /** Bytes ahead of the reader at which weights are asked for; 0 for none. */
  readonly prefetchBytes: number;
}

/**
 * Statements that compute a tile.
 * @param outputs for each row block, float32[tokens * 16]; the tile's rows are overwritten.
 */
export function dotTile(block: Block, tile: DotTile, outputs: readonly Buffer[]): void {
  const { tokens, rows, firstRow } = tile;
  const sums = outputs.map(() => block.local("sums", tokens * rows));
  for (const sum of sums)
    for (let token = 0; token < tokens; token++) block.store(sum, float(0).broadcast(rows), token * rows);
  addBlocks(block, tile, streams(tile, sums));
  sums.forEach((sum, part) => {
    const output = outputs[part];
    for (let token = 0; output !== undefined && token < tokens; token++)
      block.store(output, sum.loadVector(rows, token * rows), token * BLOCK_ROWS + firstRow);
  });
}

/** Rows of a weight that fill one vector, and where their sums go: a buffer, and the place among a token's. */
interface Stream {
  readonly rows: WeightRows;
  readonly sums: Buffer;
  readonly at: number;
}

function streams({ blocks, firstRow, rows, dot }: DotTile, sums: readonly Buffer[]): Stream[] {
  return blocks.flatMap(({ segment: { weight, format }, rowBlock }, part) => {
    const buffer = sums[part];
    if (buffer === undefined) throw new RangeError("a row block has no sums");
    return Array.from({ length: rows / dot.lanes }, (_, vector) => ({
      rows: { weight, format, rowBlock, first: firstRow + vector * dot.lanes, lanes: dot.lanes },
      sums: buffer,
      at: vector * dot.lanes,
    }));
  });
}

/** A group of 32 columns: its number in the activations, and its place in the weight. */
interface Group {
  readonly number: PrimExpr;
  readonly place: GroupPlace;
}

/** Scales and minima of a block, float32 lanes. */
interface BlockFloats {
  readonly scales: PrimExpr;
  readonly minima: PrimExpr | undefined;
}

function blockFloats(block: Block, { rows }: Stream, index: PrimExpr): BlockFloats {
  const scales = block.bind("scale", blockScales(rows, index));
  const { hasMin } = WEIGHT_FORMATS[rows.format];
  return { scales, minima: hasMin ? block.bind("minimum", blockMinima(rows, index)) : undefined };
}

/** Adds all columns: block after block, and in each group after group. */
function addBlocks(block: Block, tile: DotTile, vectors: readonly Stream[]): void {
  const format = formatOf(tile);
  const { groups } = blockLayout(format);
  const floats = (body: Block, index: PrimExpr) => vectors.map((vector) => blockFloats(body, vector, index));
  block.serial("block", tile.columns / WEIGHT_FORMATS[format].blockColumns, (body, index) => {
    if (groups === 1) {
      // The floats stand behind the codes, where they are read.
      const group = { number: index, place: groupInBlock(format, index, 0) };
      addGroup(body, tile, vectors, group, (inner) => floats(inner, index));
      return;
    }
    const shared = floats(body, index);
    body.serial("group", groups, (inner, next) => {
      const number = inner.bind("number", index.mul(groups).add(next));
      addGroup(inner, tile, vectors, { number, place: groupInBlock(format, index, next) }, () => shared);
    });
  });
}

function addGroup(
  block: Block,
  tile: DotTile,
  vectors: readonly Stream[],
  group: Group,
  floats: (block: Block) => readonly BlockFloats[],
): void {
  prefetch(block, tile, group.place);
  const codes = vectors.map(({ rows }) => groupCodes(block, rows, group.place));
  const activations = Array.from({ length: tile.tokens }, (_, token) =>
    activationWords(block, tile.x, tile.dot, tile.first.add(token), group.number),
  );
  const parts = scalesOfGroup(formatOf(tile));
  for (let part = 0; part < parts; part++) {
    const products = integerSums(block, tile, { codes, activations }, { group: group.number, part, parts });
    const ofBlock = floats(block);
    const scales = vectors.map(({ rows }, index) => {
      const { scales } = ofBlock[index] as BlockFloats;
      return block.bind("scale", groupScales(rows, group.place, scales)[part] as PrimExpr);
    });
    const minima = vectors.map(({ rows }, index) => {
      const { minima } = ofBlock[index] as BlockFloats;
      return minima && block.bind("minimum", groupMinima(rows, group.place, minima));
    });
    addProducts(block, tile, vectors, group.number, { products, scales, minima });
  }
}

/** Scales that follow one another in a group: 2, of 16 columns each, or 1. */
function scalesOfGroup(format: WeightFormat): 1 | 2 {
  return WEIGHT_FORMATS[format].factors === "halves" ? 2 : 1;
}

/** What is added to the sums: by vector (and token). */
interface Summands {
  readonly products: readonly (readonly PrimExpr[])[];
  readonly scales: readonly PrimExpr[];
  readonly minima: readonly (PrimExpr | undefined)[];
}

function addProducts(
  block: Block,
  tile: DotTile,
  vectors: readonly Stream[],
  group: PrimExpr,
  { products, scales, minima }: Summands,
): void {
  const { dot, tokens } = tile;
  for (let token = 0; token < tokens; token++) {
    const word = (index: number) =>
      reinterpret(tile.x.load(tile.first.add(token), group, index), "float32").broadcast(dot.lanes);
    const scale = block.bind("x_scale", word(SCALE_WORD));
    const sum = minima[0] && block.bind("x_sum", word(SUM_WORD));
    vectors.forEach((vector, index) => {
      const at = token * tile.rows + vector.at;
      const weightScale = scales[index];
      const product = products[index]?.[token];
      if (weightScale === undefined || product === undefined) return;
      const before = vector.sums.loadVector(dot.lanes, at);
      let after = multiplyAdd(product.cast("float32"), weightScale.mul(scale), before);
      const minimum = minima[index];
      if (minimum !== undefined && sum !== undefined) after = multiplyAdd(minimum, sum, after);
      block.store(vector.sums, after, at);
    });
  }
}

/** Codes of a group as they are drawn, by vector and by token. */
interface Operands {
  readonly codes: readonly Generator<PrimExpr, void, undefined>[];
  readonly activations: readonly Generator<PrimExpr, void, undefined>[];
}

/** Columns that share a scale: part `part` of `parts` of a group. */
interface GroupPart {
  readonly group: PrimExpr;
  readonly part: number;
  readonly parts: number;
}

/** Sums of (weight code - zero point) * activation code over a part: int32xlanes by vector and token. */
function integerSums(block: Block, tile: DotTile, operands: Operands, part: GroupPart): PrimExpr[][] {
  const { dot, tokens } = tile;
  const format = formatOf(tile);
  const kind = codeKind(format);
  const seeds = tokenSeeds(tile, part, WEIGHT_FORMATS[format].zeroPoint + dot.offset(kind));
  const totals: RunningSum[][] = operands.codes.map(() => seeds.map((seed) => dot.start(seed)));
  for (let word = 0; word < GROUP_SIZE / 4 / part.parts; word++) {
    const prepared = operands.codes.map((stream) =>
      dot.prepare(block, stream.next().value as PrimExpr, kind),
    );
    for (let token = 0; token < tokens; token++) {
      const activation = operands.activations[token]?.next().value as PrimExpr;
      prepared.forEach((weights, index) => {
        const row = totals[index] as RunningSum[];
        row[token] = dot.add(block, row[token] as RunningSum, weights, activation, kind);
      });
    }
  }
  return totals.map((row) =>
    row.map((total, token) => dot.finish(block, total, seeds[token] ?? int(0, "int32"))),
  );
}

/** Yields the words of codes of a group, int32, and writes their loads to `block` as they are drawn. */
function* activationWords(
  block: Block,
  x: Buffer,
  { wordsLoaded }: DotForm,
  row: PrimExpr,
  group: PrimExpr,
): Generator<PrimExpr, void, undefined> {
  for (let word = 0; word < GROUP_SIZE / 4; word += wordsLoaded) {
    const words = block.bind("x_codes", x.loadVector(wordsLoaded, row, group, word));
    for (let lane = 0; lane < wordsLoaded; lane++) yield wordsLoaded === 1 ? words : lanesOf(words, lane, 1);
  }
}

/** Where the sums begin: -zero times the sum of the part's activation codes. */
function tokenSeeds({ x, first, tokens }: DotTile, part: GroupPart, zero: number): PrimExpr[] {
  return Array.from({ length: tokens }, (_, token) => {
    if (zero === 0) return int(0, "int32");
    const minusEight = partOffset((word) => x.load(first.add(token), part.group, word), part);
    // Exact: the words are multiples of 8.
    return zero % 8 === 0 ? minusEight.mul(zero / 8) : shiftRight(minusEight, 3).mul(zero);
  });
}

/** -8 times the sum of the part's activation codes. */
function partOffset(load: (word: number) => PrimExpr, { part, parts }: GroupPart): PrimExpr {
  if (parts === 1) return load(OFFSET_WORD);
  return part === 0 ? load(HALF_OFFSET_WORD) : load(OFFSET_WORD).sub(load(HALF_OFFSET_WORD));
}

function formatOf({ blocks }: DotTile): WeightFormat {
  const [first] = blocks;
  if (first === undefined) throw new RangeError("a tile has no row blocks");
  return first.segment.format;
}

/** Asks for the cache lines that one group's worth of reading will reach. */
function prefetch(block: Block, { blocks, prefetchBytes }: DotTile, { index, at, bytes }: GroupPlace): void {
  if (prefetchBytes === 0) return;
  for (const { segment, rowBlock } of blocks)
    for (let byte = 0; byte < bytes; byte += CACHE_LINE)
      block.prefetch(segment.weight, rowBlock, index, asExpr(at, "int64").add(prefetchBytes + byte));
}
