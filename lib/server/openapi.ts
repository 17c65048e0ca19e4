/** The server's routes as an OpenAPI 3.1 document. */
import { ANSWERS, type AnswerName } from "./openapi-answers.js";
import { TEXT } from "./openapi-field.js";
import { JSON_TYPE, ROUTES, type Route, whole } from "./openapi-routes.js";

/** The document. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTES) paths[route.path] = { ...paths[route.path], [route.method]: operation(route) };
  return {
    openapi: "3.1.0",
    info: {
      title: "node-mlc",
      version,
      description: "Language models over HTTP, as OpenAI and Ollama serve them.",
    },
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "Where the server has API keys." },
      },
      schemas: ANSWERS,
    },
    security: [{}, { key: [] }],
  };
}

/** Statuses of errors that every route may have, and those of routes that take a body. */
const FAILURES: Readonly<Record<string, string>> = {
  "401": "No key that the server knows",
  "403": "A host or web page that may not ask",
  "404": "No such model or route",
  "429": "More requests or tokens than the key may have, or a full queue",
  "500": "The server failed; its log says why",
  "503": "The server is being shut down",
};
const BODY_FAILURES: Readonly<Record<string, string>> = {
  "400": "A body that is not what the route takes",
  "408": "The request did not come in time",
  "410": "The model was unloaded meanwhile",
  "413": "A body that is too large",
  "422": "The model's package cannot be loaded",
  "504": "The answer took longer than allowed",
  "507": "Not enough memory for the model",
};

function operation({ summary, tag, body, answer, states = {}, parameter }: Route): object {
  const content = (types: Readonly<Record<string, AnswerName>>) =>
    Object.fromEntries(
      Object.entries(types).map(([type, name]) => [
        type,
        { schema: { $ref: `#/components/schemas/${name}` } },
      ]),
    );
  const failures = Object.entries({ ...FAILURES, ...(body === undefined ? {} : BODY_FAILURES) });
  return {
    summary,
    tags: [tag],
    ...(parameter === undefined
      ? {}
      : { parameters: [{ name: parameter, in: "path", required: true, schema: TEXT }] }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { [JSON_TYPE]: { schema: bodySchema(body) } } } }),
    responses: {
      "200": { description: "Done", content: content(answer) },
      ...Object.fromEntries(
        failures.map(([status, description]) => [status, { description, content: content(whole("Error")) }]),
      ),
      ...Object.fromEntries(
        Object.entries(states).map(([status, name]) => [
          status,
          { description: "Not now", content: content(whole(name)) },
        ]),
      ),
    },
  };
}

function bodySchema({ required, oneOf, fields }: NonNullable<Route["body"]>): object {
  const alternatives = oneOf === undefined ? {} : { anyOf: oneOf.map((name) => ({ required: [name] })) };
  return { type: "object", required, ...alternatives, properties: fields };
}

/** The routes of the document, for checks that none is missing. */
export function documentedRoutes(): string[] {
  return ROUTES.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
}
