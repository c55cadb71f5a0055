// The interface described from its own description, /openapi.json; nothing is loaded from elsewhere.
import { el } from "../dom.js";

export async function show(place) {
  const spec = await (await fetch("/openapi.json")).json();
  place.append(
    el("h1", {}, "Interface"),
    el("p", {}, ...withCode(spec.info.description)),
    el(
      "p",
      {},
      "The whole description: ",
      el("a", { href: "/openapi.json" }, "openapi.json"),
      ". Identifiers of runs come from ",
      el("code", {}, "GET /api/runs"),
      ".",
    ),
    el(
      "pre",
      { tabIndex: 0 },
      `curl ${location.origin}/api/runs\ncurl -F image=@picture.png ${location.origin}/api/runs/RUN/predict`,
    ),
  );
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const [method, one] of Object.entries(methods)) place.append(describe(path, method, one, spec));
  }
}

function describe(path, method, one, spec) {
  const answer = one.responses["200"]?.content?.["application/json"]?.schema;
  return el(
    "details",
    { class: "operation" },
    el(
      "summary",
      {},
      el("b", { class: method }, method.toUpperCase()),
      " ",
      el("code", {}, path),
      " ",
      el("span", { class: "soft" }, ...withCode(one.description?.split("\n")[0] ?? "")),
    ),
    one.parameters?.length
      ? table(
          ["parameter", "", "what"],
          one.parameters.map((parameter) => [
            parameter.name,
            `${typeOf(parameter.schema)}${parameter.required ? "" : ", optional"}`,
            parameter.description ?? parameter.schema.description ?? "",
          ]),
        )
      : "",
    one.requestBody
      ? el(
          "div",
          {},
          el("h4", {}, "Body"),
          ...Object.entries(one.requestBody.content).map(([kind, body]) =>
            el("div", {}, el("code", {}, kind), fields(body.schema, spec)),
          ),
        )
      : "",
    answer
      ? el("div", {}, el("h4", {}, `Answer: ${typeOf(answer)}`), fields(answer, spec))
      : el("p", {}, "Answer: a page."),
  );
}

/** Return text with what stands between backticks as code. */
function withCode(text) {
  return text.split("`").map((part, index) => (index % 2 ? el("code", {}, part) : part));
}

function resolve(schema, spec) {
  return schema?.$ref ? spec.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function fields(schema, spec) {
  const whole = resolve(schema, spec);
  if (!whole?.properties)
    return el(
      "p",
      { class: "soft" },
      whole?.format === "binary" ? "the bytes of an image file" : typeOf(schema),
    );
  return el(
    "div",
    {},
    whole.description ? el("p", {}, whole.description) : "",
    table(
      ["field", "", "what"],
      Object.entries(whole.properties).map(([name, field]) => [name, typeOf(field), field.description ?? ""]),
    ),
  );
}

function typeOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.type === "array")
    return schema.prefixItems
      ? `[${schema.prefixItems.map(typeOf).join(", ")}]`
      : `list of ${typeOf(schema.items)}`;
  if (schema.enum) return schema.enum.join(" | ");
  if (schema.const) return String(schema.const);
  return schema.format === "binary" ? "file" : (schema.type ?? "anything");
}

function table(heads, rows) {
  return el(
    "div",
    { class: "scroll", tabIndex: 0 },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...heads.map((one) => el("th", { scope: "col" }, one)))),
      el(
        "tbody",
        {},
        ...rows.map(([name, kind, what]) =>
          el(
            "tr",
            {},
            el("td", {}, el("code", {}, name)),
            el("td", { class: "soft" }, kind),
            el("td", {}, ...withCode(what)),
          ),
        ),
      ),
    ),
  );
}
