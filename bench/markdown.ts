/** Numbers and tables as Markdown. */
import type { Spread } from "./statistics.js";

/** A number with three digits that count. */
export function formatValue(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}

/** "smallest / middle / largest", or one number where they are the same. */
export function formatSpread({ min, median, max }: Spread): string {
  return min === max ? formatValue(median) : [min, median, max].map(formatValue).join(" / ");
}

/** A row of a table. */
export const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** The first two rows of a table. */
export const tableHead = (titles: readonly string[]): string[] => [
  row(titles),
  `|${titles.map(() => "---|").join("")}`,
];
