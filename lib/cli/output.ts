/** Where a command writes: its result to standard output, everything else to standard error. */

export class CommandOutput {
  /** Whether the result is one JSON object. */
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** The result: the object as JSON, or `text` of it for people. */
  result(value: object, text: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(value) : text()}\n`);
  }

  /** A piece of text as it comes (a streamed answer); with JSON it goes to standard error. */
  stream(text: string): void {
    (this.json ? process.stderr : process.stdout).write(text);
  }

  /** A line beside the result. */
  notice(line: string): void {
    process.stderr.write(`${line}\n`);
  }
}

/** A table of two columns, for people. */
export function lines(rows: readonly (readonly [label: string, value: string | number])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `${label.padEnd(width)}  ${value}`).join("\n");
}

/** Bytes for people: decimal megabytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
