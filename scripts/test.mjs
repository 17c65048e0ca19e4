// `npm test`: installs, builds and runs every test; arguments go to vitest.
import { fetchDefaultModel } from "./fetch-model.mjs";
import { prepare, run } from "./prepare.mjs";

prepare();
run("node", ["scripts/test-cpp.mjs"]);
run("npx", ["vitest", "run", ...process.argv.slice(2)], {
  env: { ...process.env, NODE_MLC_DEFAULT_MODEL: await fetchDefaultModel() },
});
