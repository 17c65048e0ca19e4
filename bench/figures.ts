/** The figures of the benchmark: what each means, in which process it is measured and how it is shown. */

/** The processes a side is measured in; each starts anew and does the work of its figures only. */
export type BenchProcess = "single" | "long" | "streams";

/** Groups of figures that can be chosen. */
export const FIGURE_GROUPS = ["load", "ttft", "prefill", "decode", "streams", "memory", "size"] as const;

export type FigureGroup = (typeof FIGURE_GROUPS)[number];

/** One figure. */
export interface Figure {
  readonly id: string;
  readonly group: FigureGroup;
  /** For tables; the unit is not part of it. */
  readonly label: string;
  readonly unit: "ms" | "tokens/s" | "MB";
  readonly better: "more" | "less";
  /** Where and by which work it is measured; absent for sizes, which are looked up. */
  readonly measured?: { readonly process: BenchProcess; readonly work: string };
  /** Tokens before the first decoded one: the share of the read bandwidth is told for these figures. */
  readonly decodeContext?: number;
  /** The share of the int8 peak is told. */
  readonly computeBound?: true;
}

/** Streams that run together. */
export const STREAM_COUNTS = [1, 2, 4, 8] as const;

const single = (work: string) => ({ process: "single", work }) as const;
const long = { process: "long", work: "context2048" } as const;

export const FIGURES: readonly Figure[] = [
  {
    id: "load",
    group: "load",
    label: "process start to ready",
    unit: "ms",
    better: "less",
    measured: single("load"),
  },
  ttft("ttft_512_first", "cold first token, 512 tokens", single("context512")),
  ttft("ttft_32", "first token, 32 tokens", single("context32")),
  ttft("ttft_512", "first token, 512 tokens", single("context512")),
  ttft("ttft_2048", "first token, 2048 tokens", long),
  {
    id: "prefill_512",
    group: "prefill",
    label: "prefill, 512 tokens",
    unit: "tokens/s",
    better: "more",
    measured: single("prefill512"),
    computeBound: true,
  },
  decode(32, single("context32")),
  decode(512, single("context512")),
  decode(2048, long),
  ...STREAM_COUNTS.map(
    (count): Figure => ({
      id: `streams_${count}`,
      group: "streams",
      label: `decode, ${count} stream${count > 1 ? "s" : ""}`,
      unit: "tokens/s",
      better: "more",
      measured: { process: "streams", work: `streams${count}` },
    }),
  ),
  {
    id: "peak_rss",
    group: "memory",
    label: "peak resident memory",
    unit: "MB",
    better: "less",
    // The peak of the work at 512 tokens.
    measured: single("context512"),
  },
  { id: "model_size", group: "size", label: "package, GGUF file", unit: "MB", better: "less" },
];

/** The figures a run is asked for. */
export function chosenFigures(groups: readonly string[]): readonly Figure[] {
  return FIGURES.filter(({ group }) => groups.includes(group));
}

/** The figure of an id. Errors: RangeError. */
export function figureOf(id: string): Figure {
  const figure = FIGURES.find((one) => one.id === id);
  if (figure === undefined) throw new RangeError(`Expected the id of a figure but received ${id}.`);
  return figure;
}

function ttft(id: string, label: string, measured: NonNullable<Figure["measured"]>): Figure {
  return { id, group: "ttft", label, unit: "ms", better: "less", measured };
}

function decode(context: number, measured: NonNullable<Figure["measured"]>): Figure {
  return {
    id: `decode_${context}`,
    group: "decode",
    label: `decode at context ${context}`,
    unit: "tokens/s",
    better: "more",
    measured,
    decodeContext: context,
  };
}
