/** For the tests of programs that use node-mlc: "node-mlc/testing". */
export type {
  MockAnswer,
  MockChunks,
  MockEnding,
  MockMessage,
  MockText,
  MockToolCall,
} from "./mock-answer.js";
export {
  createMockEngine,
  type MockAnswers,
  type MockEngine,
  type MockEngineOptions,
  type MockRequest,
} from "./mock-engine.js";
