/** The chat page at `/`: plain files, the same for everybody, hence without a key. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Hono } from "hono";
import { MlcError } from "../errors.js";
import { packageRoot } from "../package-root.js";
import type { ServerEnv } from "./request-context.js";

/** The page's files by route. */
const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/page/chat.css": { file: "chat.css", type: "text/css; charset=utf-8" },
  "/page/chat.js": { file: "chat.js", type: "text/javascript; charset=utf-8" },
};

/** Nothing but the server's own files and answers: a model's text can bring nothing else in. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Whether a path is of the page. */
export function isPage(pathname: string): boolean {
  return Object.hasOwn(FILES, pathname);
}

/** Adds the routes. The build makes the files: `npm run build:js`. */
export function addPageRoutes(app: Hono<ServerEnv>): void {
  for (const [route, { file, type }] of Object.entries(FILES)) {
    app.get(route, async (context) => {
      const place = path.join(packageRoot, "dist", "esm", "server", "page", file);
      const content = await readFile(place).catch((cause: unknown) => {
        throw new MlcError("ERR_IO", `Expected the page's file ${place} but it cannot be read.`, { cause });
      });
      return context.body(content, 200, {
        "content-type": type,
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
      });
    });
  }
}
