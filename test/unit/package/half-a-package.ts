// The program atomic-write.test.ts kills: writes files and some weights, says so, and waits.
import { PackageWriter } from "../../../lib/package/package-writer.js";
import { fillPackage } from "./package-fixture.js";

const writer = await PackageWriter.create(process.argv[2] ?? "");
await fillPackage(writer);
process.stdout.write("halfway\n");
setInterval(() => undefined, 1000);
