import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type CompileOptions, compile } from "../../lib/compiler/index.js";

const repository = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** A digest of the built compiler, so that a package of an older compiler is never taken for this one's. */
function compilerDigest(): string {
  const hash = createHash("sha256");
  for (const folder of ["compiler", "package", "tokenizer"]) {
    const root = path.join(repository, "dist/esm", folder);
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".js"),
    );
    for (const file of files.sort()) hash.update(file).update(readFileSync(path.join(root, file)));
  }
  return hash.digest("hex");
}

/**
 * Folder of the package compiled from `source`, compiled at most once for one state of the compiler and one set of
 * options. Packages lie in build/test-models.
 */
export async function compiledModel(
  source: string,
  options: Omit<CompileOptions, "output"> = {},
): Promise<string> {
  const key = createHash("sha256")
    .update(JSON.stringify([source, statSync(source).mtimeMs, options, compilerDigest()]))
    .digest("hex")
    .slice(0, 16);
  const output = path.join(repository, "build/test-models", `${path.basename(source)}-${key}`);
  if (!existsSync(path.join(output, "manifest.json"))) await compile(source, { ...options, output });
  return output;
}
