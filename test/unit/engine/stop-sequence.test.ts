import { describe, expect, it } from "vitest";
import { StopSequence } from "../../../lib/engine/stop-sequence.js";

function run(stops: string[], pieces: string[]): { text: string; stopped: boolean; emitted: string[] } {
  const stop = new StopSequence(stops);
  const emitted: string[] = [];
  let stopped = false;
  for (const piece of pieces) {
    const result = stop.push(piece);
    emitted.push(result.text);
    stopped ||= result.stopped;
  }
  return { text: emitted.join("") + stop.finish(), stopped, emitted };
}

describe("StopSequence", () => {
  it("passes everything on at once without stops", () => {
    expect(run([], ["a", "b"])).toEqual({ text: "ab", stopped: false, emitted: ["a", "b"] });
  });

  it("finds a stop inside a piece and across pieces, and leaves it out", () => {
    expect(run(["END"], ["some END here"]).text).toBe("some ");
    expect(run(["END"], ["some E", "N", "D here", "more"])).toMatchObject({ text: "some ", stopped: true });
  });

  it("holds back only what might become a stop, and gives it after all", () => {
    expect(run(["END"], ["aE", "x"])).toEqual({ text: "aEx", stopped: false, emitted: ["a", "Ex"] });
    expect(run(["END"], ["aEN"])).toEqual({ text: "aEN", stopped: false, emitted: ["a"] });
  });

  it("handles stops whose beginning repeats", () => {
    expect(run(["aab"], ["a", "a", "a", "b", "c"]).text).toBe("a");
    expect(run(["\n\n"], ["x\n", "y\n", "\nz"]).text).toBe("x\ny");
  });

  it("takes the stop that begins first", () => {
    expect(run(["cd", "bcde"], ["abcde"]).text).toBe("a");
    expect(run(["b", "abc"], ["xab", "c"]).text).toBe("xa");
  });

  it("agrees with a search in the whole text, however it is cut", () => {
    const text = "ababbabaabbbaabab";
    for (const stops of [["abb"], ["aabb", "ba"], ["bbb", "aa"], ["zz"], ["ababbabaabbbaababX"]]) {
      const first = Math.min(...stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0), text.length);
      // One character a piece: a stop that is complete earlier wins, as in a stream it must.
      for (const size of [1, 2, 3, 5]) {
        const pieces = text.match(new RegExp(`.{1,${size}}`, "g")) ?? [];
        const result = run(stops, pieces);
        if (stops.length === 1) expect(result.text).toBe(text.slice(0, first));
        for (const stop of stops) expect(result.text.includes(stop)).toBe(false);
      }
    }
  });
});
