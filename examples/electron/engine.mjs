// The utility process: loads the model once and serves it to every port it is given.
import { Engine } from "node-mlc";
import { serveEngine } from "node-mlc/electron";

const loading = Engine.load(process.argv[2]);
process.parentPort.on("message", async ({ ports }) => {
  const engine = await loading;
  for (const port of ports) serveEngine(engine, port);
});
