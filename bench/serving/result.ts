/** What the serving benchmark found, raw and summed up. */
import type { Side } from "../peer-process.js";
import { percentile, type Spread, spread } from "../statistics.js";
import type { ServingRun } from "./process.js";

/** Shares of the latencies that are shown. */
export const PERCENTILES = [0.5, 0.95, 0.99] as const;

/** One side at one number of clients; latencies over the requests of all rounds. */
export interface SideResult {
  readonly tokensPerSecond: Spread;
  /** At PERCENTILES. */
  readonly firstTokenMs: readonly number[];
  readonly interTokenMs: readonly number[];
  /** Of the server: /health meanwhile. */
  readonly healthMs?: readonly number[];
  /** Rounds that failed or took too long. */
  readonly failures: number;
}

/** One number of clients. */
export interface ServingPoint {
  readonly model: string;
  readonly streams: number;
  readonly prefixTokens: number;
  readonly ours: SideResult | undefined;
  readonly peer: SideResult | undefined;
  /** Of the rates, round by round; above 1 node-mlc is better. Undefined where no round has both. */
  readonly ratio: Spread | undefined;
  /** Of the 99th percentiles between tokens: the peer's by ours. */
  readonly interTokenRatio: number | undefined;
}

/** A whole run. */
export interface ServingResult {
  readonly date: string;
  readonly cpu: string;
  readonly platform: string;
  readonly node: string;
  readonly commit: string;
  readonly peer: string;
  readonly threads: number;
  readonly rounds: number;
  /** Requests of a client. */
  readonly requests: number;
  /** Lowest share of the processors that was ours to have between the processes. */
  readonly cpuShare: number;
  readonly points: readonly ServingPoint[];
}

/** A round: each side's run, undefined where it failed. */
export type ServingRound = Readonly<Record<Side, ServingRun | undefined>>;

/** Sums up the rounds of one number of clients. */
export function servingPoint(
  place: Pick<ServingPoint, "model" | "streams" | "prefixTokens">,
  rounds: readonly ServingRound[],
): ServingPoint {
  const [ours, peer] = [
    sideResult(rounds.map((round) => round.ours)),
    sideResult(rounds.map((round) => round.peer)),
  ];
  const ratios = rounds.flatMap((round) =>
    round.ours === undefined || round.peer === undefined ? [] : [rateOf(round.ours) / rateOf(round.peer)],
  );
  const [mine, others] = [ours?.interTokenMs.at(-1), peer?.interTokenMs.at(-1)];
  return {
    ...place,
    ours,
    peer,
    ratio: ratios.length === 0 ? undefined : spread(ratios),
    interTokenRatio: mine === undefined || others === undefined ? undefined : others / mine,
  };
}

function sideResult(runs: readonly (ServingRun | undefined)[]): SideResult | undefined {
  const done = runs.filter((run) => run !== undefined);
  if (done.length === 0) return undefined;
  const at = (values: readonly number[]) => PERCENTILES.map((share) => percentile(values, share));
  return {
    tokensPerSecond: spread(done.map(rateOf)),
    firstTokenMs: at(done.flatMap(({ firstTokenMs }) => firstTokenMs)),
    interTokenMs: at(done.flatMap(({ interTokenMs }) => interTokenMs)),
    ...(done.some(({ healthMs }) => healthMs !== undefined)
      ? { healthMs: at(done.flatMap(({ healthMs }) => healthMs ?? [])) }
      : {}),
    failures: runs.length - done.length,
  };
}

function rateOf({ tokens, seconds }: ServingRun): number {
  return tokens / seconds;
}
