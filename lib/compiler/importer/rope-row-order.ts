// Row order of query and key projections. llama.cpp rotates neighbouring pairs (interleaved) for its "llama" architecture and its
// converter reorders the rows of each head for that; Hugging Face rotates the two halves of a head against each other. This is the
// converter's permutation undone. It moves whole rows, so it holds for quantised rows as well.

/**
 * The stored row of each Hugging Face row.
 * @param rows output rows of the projection, a multiple of `heads`.
 * @returns `rows` indices: row `h*D + s*D/2 + j` comes from stored row `h*D + 2j + s`, D = rows / heads.
 */
export function halfSplitRows(rows: number, heads: number): Uint32Array {
  const dimension = rows / heads;
  const half = dimension / 2;
  return Uint32Array.from({ length: rows }, (_, row) => {
    const inHead = row % dimension;
    return row - inHead + 2 * (inHead % half) + Math.floor(inHead / half);
  });
}
