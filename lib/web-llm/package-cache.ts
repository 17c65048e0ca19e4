/** web-llm's question whether a model is there already. */
import { type ErrorCode, MlcError } from "../errors.js";
import { ModelPackage } from "../package/model-package.js";
import { type AppConfig, chooseModel } from "./app-config.js";

/** What a folder without a whole package is. */
const ABSENT: readonly ErrorCode[] = ["ERR_MODEL_NOT_FOUND", "ERR_INVALID_PACKAGE", "ERR_DIGEST_MISMATCH"];

/**
 * Whether the package of a model is there and whole (its weights by their sizes).
 * Errors: ERR_MODEL_NOT_FOUND for an id that the configuration does not have, ERR_PACKAGE_VERSION, ERR_IO.
 */
export async function hasModelInCache(modelId: string, appConfig?: AppConfig): Promise<boolean> {
  const { folder } = chooseModel(modelId, appConfig);
  try {
    await ModelPackage.open(folder);
    return true;
  } catch (error) {
    if (error instanceof MlcError && ABSENT.includes(error.code)) return false;
    throw error;
  }
}
