#!/usr/bin/env node
/** The `node-mlc` command: chooses a command, prints help, turns errors into one line and an exit status. */
import { stripVTControlCharacters } from "node:util";
import { type CommandDef, renderUsage } from "citty";
import { MlcError } from "../errors.js";
import { packageVersion } from "../package-root.js";
import type { RunnableCommand } from "./command.js";

/** Exit statuses: 1 something failed, 2 the command line is wrong, 130 interrupted. */
const FAILED = 1;
const WRONG_USAGE = 2;
const INTERRUPTED = 130;

/** Commands in the order of the help; each file is loaded when its command is used. */
const COMMANDS: Readonly<Record<string, { description: string; load: () => Promise<RunnableCommand> }>> = {
  compile: {
    description: "Compile a model into a package",
    load: async () => (await import("./commands/compile.js")).compileCommand,
  },
  generate: {
    description: "Answer one prompt",
    load: async () => (await import("./commands/generate.js")).generateCommand,
  },
  chat: {
    description: "Chat in the terminal",
    load: async () => (await import("./commands/chat.js")).chatCommand,
  },
  perplexity: {
    description: "Measure how well a model predicts a text",
    load: async () => (await import("./commands/perplexity.js")).perplexityCommand,
  },
  logits: {
    description: "Write the logits of token rows, for numeric checks",
    load: async () => (await import("./commands/logits.js")).logitsCommand,
  },
  bench: {
    description: "Measure load time, speed and memory",
    load: async () => (await import("./commands/bench.js")).benchCommand,
  },
  serve: {
    description: "Serve models over HTTP, as OpenAI and Ollama do",
    load: async () => (await import("./commands/serve.js")).serveCommand,
  },
  inspect: {
    description: "Show what is in a package",
    load: async () => (await import("./commands/inspect.js")).inspectCommand,
  },
  plan: {
    description: "Show the memory a package needs, without loading it",
    load: async () => (await import("./commands/plan.js")).planCommand,
  },
  devices: {
    description: "List the devices of this machine",
    load: async () => (await import("./commands/devices.js")).devicesCommand,
  },
  doctor: {
    description: "Check the installation",
    load: async () => (await import("./commands/doctor.js")).doctorCommand,
  },
};

async function main(rawArgs: readonly string[]): Promise<number> {
  const [name, ...rest] = rawArgs;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(`${overview()}\n`);
    return name === undefined ? WRONG_USAGE : 0;
  }
  if (name === "--version" || name === "-v") {
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    throw new MlcError(
      "ERR_INVALID_ARGUMENT",
      `Expected a command (${Object.keys(COMMANDS).join(", ")}) but received "${name}".`,
    );
  }
  const command = await entry.load();
  const flags = rest.includes("--") ? rest.slice(0, rest.indexOf("--")) : rest;
  if (flags.includes("--help") || flags.includes("-h")) {
    process.stdout.write(`${await help(command)}\n`);
    return 0;
  }
  await command.parseAndRun(rest, interruption());
  return 0;
}

/** Fires on the first Ctrl-C; a second one ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED);
      controller.abort(new Error(`received ${signal}`));
    });
  }
  return controller.signal;
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const list = Object.entries(COMMANDS).map(
    ([name, { description }]) => `  ${name.padEnd(width)}  ${description}`,
  );
  return [
    "node-mlc: compile language models ahead of time and run them in Node",
    "",
    "Usage: node-mlc COMMAND [arguments] [--json]",
    "",
    ...list,
    "",
    "node-mlc COMMAND --help lists a command's flags.",
  ].join("\n");
}

/** citty's usage text of a command. */
async function help(command: RunnableCommand): Promise<string> {
  // citty's types want mutable copies of what it only reads.
  const definition = {
    meta: { ...command.meta, name: `node-mlc ${command.meta.name}` },
    args: { ...command.args },
  };
  const text = await renderUsage(definition as CommandDef);
  return process.stdout.isTTY === true ? text : stripVTControlCharacters(text);
}

/** One line on standard error, and the exit status. NODE_MLC_DEBUG=1 adds the stack. */
function report(error: unknown): number {
  const code = error instanceof MlcError ? error.code : "ERR_UNEXPECTED";
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`node-mlc: ${message.split("\n")[0]} [${code}]\n`);
  if (process.env.NODE_MLC_DEBUG === "1") console.error(error);
  if (code === "ERR_ABORTED") return INTERRUPTED;
  return code === "ERR_INVALID_ARGUMENT" ? WRONG_USAGE : FAILED;
}

// A reader that goes away (`| head`) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode ??= status;
  },
  (error: unknown) => {
    process.exitCode = report(error);
  },
);
