import { expect, test } from "vitest";
import { buildCalibration } from "../../bench/calibration.js";

test("the calibration program compiles here and measures plausible limits", () => {
  const result = buildCalibration(1)();
  expect(result).toMatchObject({ threads: 1, int8Instruction: expect.stringMatching(/^(AVX|NEON)/) });
  // Wide bounds: a loaded virtual machine, and the fastest core there is.
  expect(result.readGigabytesPerSecond).toBeGreaterThan(0.5);
  expect(result.readGigabytesPerSecond).toBeLessThan(500);
  expect(result.int8GigaopsPerSecond).toBeGreaterThan(5);
  expect(result.int8GigaopsPerSecond).toBeLessThan(10_000);
  expect([1, 2, 4, 8]).toContain(result.readStreams);
  expect(result.cpuShare).toBeGreaterThan(0);
  expect(result.cpuShare).toBeLessThanOrEqual(1);
});
