/** For the tests of programs that use node-mlc: "node-mlc/testing". */
export {
  createMockEngine,
  type MockAnswer,
  type MockAnswers,
  type MockEngine,
  type MockEngineOptions,
  type MockRequest,
} from "./mock-engine.js";
