import { ChatTemplate } from "../../lib/chat/chat-template.js";
import { Engine, type EngineParts, type ModelText } from "../../lib/engine/engine.js";
import type { Manifest } from "../../lib/package/manifest.js";
import { planMemory } from "../../lib/package/memory-plan.js";
import { byteManifest, byteTokenizer, TEMPLATE } from "../../lib/testing/byte-model.js";
import {
  SCRIPTED_DEVICE,
  type Script,
  ScriptedNativeEngine,
} from "../../lib/testing/scripted-native-engine.js";

export { byteManifest as fakeManifest, byteTokenizer, END, START } from "../../lib/testing/byte-model.js";
export {
  type Script,
  ScriptedNativeEngine as FakeNativeEngine,
  textScript,
} from "../../lib/testing/scripted-native-engine.js";

/** An engine over a scripted native one. */
export async function fakeEngine(
  script: Script,
  change: Partial<EngineParts & ModelText> = {},
): Promise<{ engine: Engine; native: ScriptedNativeEngine }> {
  const manifest = change.manifest ?? byteManifest();
  const text = { tokenizer: byteTokenizer(), chatTemplate: new ChatTemplate(TEMPLATE), ...change };
  let native: ScriptedNativeEngine | undefined;
  const engine = await Engine.fromParts({
    manifest,
    library: manifest.libraries[0] as Manifest["libraries"][number],
    device: SCRIPTED_DEVICE,
    plan: planMemory(manifest),
    openText: async () => text,
    start: async (onEvents) => {
      native = new ScriptedNativeEngine(script, onEvents);
      return native;
    },
    ...change,
  });
  if (native === undefined) throw new Error("the engine did not start the fake native engine");
  return { engine, native };
}
