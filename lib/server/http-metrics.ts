/** Counters of the server itself, in Prometheus' text format beside those of the engines. */
import { metricHead, metricSample } from "../engine/prometheus.js";

/** Upper bounds of the buckets, in seconds. */
const BOUNDS = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const;

interface Durations {
  readonly buckets: number[];
  count: number;
  sum: number;
}

/** Counts requests by route: the pattern, never the path a client made up. */
export class HttpMetrics {
  readonly #requests = new Map<string, { route: string; method: string; status: number; count: number }>();
  readonly #durations = new Map<string, Durations>();
  #active = 0;

  begin(): void {
    this.#active++;
  }

  /** A request has been answered; of a stream, its first byte is on the way. */
  end(route: string, method: string, status: number, seconds: number): void {
    this.#active--;
    const key = `${method} ${route} ${status}`;
    const counted = this.#requests.get(key) ?? { route, method, status, count: 0 };
    counted.count++;
    this.#requests.set(key, counted);
    const durations = this.#durations.get(route) ?? { buckets: BOUNDS.map(() => 0), count: 0, sum: 0 };
    for (const [index, bound] of BOUNDS.entries())
      if (seconds <= bound) durations.buckets[index] = (durations.buckets[index] ?? 0) + 1;
    durations.count++;
    durations.sum += seconds;
    this.#durations.set(route, durations);
  }

  text(): string {
    const lines = [
      ...metricHead("http_requests_total", "counter", "Requests answered, by route, method and status."),
      ...[...this.#requests.values()].map(({ route, method, status, count }) =>
        metricSample("http_requests_total", { route, method, status: String(status) }, count),
      ),
      ...metricHead("http_requests_active", "gauge", "Requests that wait for their answer to begin."),
      metricSample("http_requests_active", {}, this.#active),
      ...metricHead("http_request_seconds", "histogram", "Time to an answer, of streams to their beginning."),
    ];
    for (const [route, { buckets, count, sum }] of this.#durations) {
      for (const [index, bound] of BOUNDS.entries())
        lines.push(
          metricSample("http_request_seconds_bucket", { route, le: String(bound) }, buckets[index] ?? 0),
        );
      lines.push(
        metricSample("http_request_seconds_bucket", { route, le: "+Inf" }, count),
        metricSample("http_request_seconds_sum", { route }, sum),
        metricSample("http_request_seconds_count", { route }, count),
      );
    }
    return `${lines.join("\n")}\n`;
  }
}
