/** `node-mlc plan`: the memory plan of a package, from its manifest alone. */
import { ModelPackage } from "../../package/model-package.js";
import { defineCommand, integerFlag } from "../command.js";
import { lines, megabytes } from "../output.js";

export const planCommand = defineCommand({
  meta: { name: "plan", description: "Show the memory a package needs, without loading it" },
  args: {
    package: { type: "positional", description: "Folder of a compiled package" },
    batch: { type: "string", valueHint: "N", description: "Sequences at a time (default 1)" },
    context: {
      type: "string",
      valueHint: "N",
      description: "Tokens of each sequence (default: the package's limit)",
    },
  },
  async run(args, { output, signal }) {
    const batch = integerFlag("batch", args.batch);
    const context = integerFlag("context", args.context);
    const opened = await ModelPackage.open(args.package, { signal });
    const plan = opened.plan({
      ...(batch === undefined ? {} : { batch }),
      ...(context === undefined ? {} : { context }),
    });
    output.result(plan, () =>
      lines([
        ["for", `${plan.batch} sequence(s) of ${plan.context} tokens`],
        ["weights", megabytes(plan.weights)],
        ["KV cache", `${megabytes(plan.kv)} (${plan.pages} pages)`],
        ["workspace", megabytes(plan.workspace)],
        ["temporaries", megabytes(plan.temporaries)],
        ["total", megabytes(plan.total)],
      ]),
    );
  },
});
