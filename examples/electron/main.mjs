// The main process: a window, the engine in a process of its own, and a port between the two:  electron main.mjs PACKAGE
import path from "node:path";
import { app, BrowserWindow, MessageChannelMain, utilityProcess } from "electron";

const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: electron main.mjs PACKAGE");

await app.whenReady();
const engine = utilityProcess.fork(path.join(import.meta.dirname, "engine.mjs"), [path.resolve(folder)]);
const window = new BrowserWindow({
  webPreferences: { preload: path.join(import.meta.dirname, "preload.cjs") },
});
await window.loadFile(path.join(import.meta.dirname, "index.html"));

const { port1, port2 } = new MessageChannelMain();
engine.postMessage("serve", [port1]);
window.webContents.postMessage("engine", null, [port2]);

// A crash of the engine ends the utility process, not the app: start another one and send the window a new port.
engine.on("exit", (code) => console.error(`the engine's process ended with ${code}`));
app.on("window-all-closed", () => app.quit());
