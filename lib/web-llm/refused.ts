/** Names of web-llm that make no sense here: programs that use them build, and hear at the call what to do instead. */
import { MlcError } from "../errors.js";

function refused(name: string, instead: string) {
  return (..._: readonly unknown[]): never => {
    throw new MlcError("ERR_UNSUPPORTED_FIELD", `Expected no call of ${name} but received one: ${instead}.`, {
      details: { name },
    });
  };
}

const THREAD = "the engine has threads of its own and needs no worker, use CreateMLCEngine";
const FOLDER = "there is no cache, a package is a folder of yours, delete that";

/** Refused: the engine computes on threads of its own. */
export const CreateWebWorkerMLCEngine = refused("CreateWebWorkerMLCEngine", THREAD);
/** Refused: there are no service workers in Node. */
export const CreateServiceWorkerMLCEngine = refused("CreateServiceWorkerMLCEngine", THREAD);
/** Refused: there are no extensions in Node. */
export const CreateExtensionServiceWorkerMLCEngine = refused("CreateExtensionServiceWorkerMLCEngine", THREAD);
/** Refused: packages are the caller's folders. */
export const deleteModelAllInfoInCache = refused("deleteModelAllInfoInCache", FOLDER);
/** Refused: packages are the caller's folders. */
export const deleteModelInCache = refused("deleteModelInCache", FOLDER);
/** Refused: packages are the caller's folders. */
export const deleteChatConfigInCache = refused("deleteChatConfigInCache", FOLDER);
/** Refused: packages are the caller's folders. */
export const deleteModelWasmInCache = refused("deleteModelWasmInCache", FOLDER);

/** Refused: the engine computes on the CPU. */
export const gpuQuery = (name: string) => refused(name, "the engine computes on the CPU, see devices()");
