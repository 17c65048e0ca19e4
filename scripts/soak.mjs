// The load test for longer: node scripts/soak.mjs [seconds, default 300]
import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const [seconds = "300"] = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  [path.join(root, "scripts/test.mjs"), "--project", "e2e", "test/e2e/load.test.ts"],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, NODE_MLC_SOAK_SECONDS: seconds },
  },
);
process.exit(status ?? 1);
