// Prints "yes" when prebuilds/ has the addon for this platform (binding.gyp then builds nothing), else "no".
// NODE_MLC_BUILD_FROM_SOURCE=1 asks for a build all the same.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, "prebuilds", `${process.platform}-${process.arch}`);
const forced = process.env.NODE_MLC_BUILD_FROM_SOURCE === "1";
const present = !forced && existsSync(folder) && readdirSync(folder).some((file) => file.endsWith(".node"));
console.log(present ? "yes" : "no");
