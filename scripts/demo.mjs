// `npm run demo`: installs, builds, obtains the default model, compiles it for this machine and asks it a question.
// Another question: npm run demo -- "Your question"
import { existsSync } from "node:fs";
import path from "node:path";
import { fetchDefaultModel } from "./fetch-model.mjs";
import { prepare, root, run } from "./prepare.mjs";

const question = process.argv.slice(2).join(" ") || "What is the capital of Japan?";
const compiled = path.join(root, "models", "smollm2-135m-instruct");

prepare();
const cli = (...args) =>
  run(process.execPath, [path.join(root, "dist/esm/cli/main.js"), ...args], { shell: false });
const model = await fetchDefaultModel();
if (!existsSync(path.join(compiled, "manifest.json"))) cli("compile", model, "-o", compiled);
console.error(`> ${question}`);
cli("generate", compiled, "--prompt", question, "--temperature", "0");
