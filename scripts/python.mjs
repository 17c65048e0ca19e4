// Python as a downloader: pip brings Apache TVM and the default model, the zipfile module unpacks them. Nothing else of it is used.
import { execFileSync } from "node:child_process";

/** The first Python with pip, as a command line. Throws where there is none. */
function findPython() {
  for (const command of [["python3"], ["python"], ["py", "-3"]]) {
    try {
      execFileSync(command[0], [...command.slice(1), "-m", "pip", "--version"], { stdio: "ignore" });
      return command;
    } catch {
      // not this one
    }
  }
  throw new Error(
    "expected a Python 3 with pip on the PATH (it only downloads), found none; install python3-pip and rerun",
  );
}

let python;

/** Runs a module of Python; its output goes to standard error, because a caller's standard output may be a result. */
export function runPythonModule(name, ...args) {
  python ??= findPython();
  execFileSync(python[0], [...python.slice(1), "-m", name, ...args], { stdio: ["ignore", 2, 2] });
}
