// Shows the OpenAPI document of the server that this page comes from.
"use strict";

// show draws a document in place of an element.
function show(element, document) {
  // Requests go to where this page is, under whatever name and prefix a proxy gives it;
  // the policy of the page allows no other origin.
  document.servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];
  const paths = Object.values(document.paths);
  const operations = paths.flatMap((path) => Object.values(path).filter((member) => member.operationId));
  [document.components?.parameters ?? {}, ...operations.map((operation) => operation.parameters ?? [])]
    .flatMap((parameters) => Object.values(parameters))
    .forEach(settleExample);
  SwaggerUIBundle({
    domNode: element,
    spec: document,
    plugins: [() => read(document), exact, plain],
    deepLinking: true,
    // More lines than these are slow to draw and no help to read.
    docExpansion: operations.length > 150 ? "none" : "list",
    filter: true,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: -1,
    syntaxHighlight: false, // of an answer with a thousand rows it takes seconds
    validatorUrl: null,
  });
}

// settleExample has the example of a required parameter filled in, and that of any other
// said in words: all examples at once are no question that anybody would ask.
function settleExample(parameter) {
  if (parameter.$ref) return;
  const schema = parameter.schema ?? {};
  const example = parameter.example ?? schema.example ?? schema.examples?.[0];
  if (example === undefined) return;
  if (parameter.required) {
    parameter.example = example;
    return;
  }
  delete parameter.example;
  delete schema.example;
  delete schema.examples;
  const text = (parameter.description ?? schema.description ?? "").replace(/\.$/, "");
  const words = Array.isArray(example) ? example.join(",") : String(example);
  parameter.description = (text && text + ". ") + "Example: `" + words + "`";
}

// read is a plugin that takes the document as it is. The library would parse it as YAML, and
// resolve its references by way of a model of the whole document, again for each operation
// that is opened: seconds where this takes none. It would also do so after it has shown the
// operation, whose button does nothing until then.
function read(document) {
  const resolve = (path, system) => {
    const part = path.reduce((whole, key) => whole?.[key], document);
    if (part !== undefined) system.specActions.updateResolvedSubtree(path, inline(document, part, []));
  };
  return {
    statePlugins: {
      spec: {
        wrapActions: {
          parseToJson: (_, system) => () => system.specActions.updateJsonSpec(document),
          requestResolvedSubtree: (_, system) => (path) => resolve(path, system),
        },
      },
    },
  };
}

// inline puts what a reference names in its place. One to what it is itself inside of stays.
function inline(document, value, inside) {
  if (Array.isArray(value)) return value.map((item) => inline(document, item, inside));
  if (value === null || typeof value !== "object") return value;
  const { $ref: reference, ...members } = value;
  const own = Object.fromEntries(Object.entries(members).map(([key, member]) => [key, inline(document, member, inside)]));
  if (reference === undefined) return own;
  if (typeof reference !== "string" || !reference.startsWith("#/") || inside.includes(reference)) return { $ref: reference, ...own };
  const target = reference
    .slice(2)
    .split("/")
    .reduce((part, key) => part?.[decodeURIComponent(key).replaceAll("~1", "/").replaceAll("~0", "~")], document);
  return { ...inline(document, target, [...inside, reference]), ...own };
}

// exact is a plugin that shows an answer in JSON with all its digits. The library would read
// it into numbers of the browser and write those.
function exact({ React, getComponent }) {
  const body = (Original) => (props) => {
    const { content, contentType, headers = {} } = props;
    if (typeof content !== "string" || !/json/i.test(contentType) || /attachment/i.test(headers["content-disposition"])) {
      return React.createElement(Original, props);
    }
    const code = React.createElement(getComponent("HighlightCode", true), { downloadable: true, canCopy: true, fileName: "answer.json" }, pretty(content));
    return React.createElement("div", null, React.createElement("h5", null, "Response body"), code);
  };
  return { wrapComponents: { responseBody: body } };
}

// plain is a plugin that shows what is said about things as the text that it is, with code
// between backquotes. Labels and comments of other people's tables are not ours to trust: the
// library would take them for Markdown, and HTML in them for elements of this page.
function plain({ React }) {
  const code = (text, i) => (i % 2 ? React.createElement("code", { key: i }, text) : text);
  const paragraph = (text, i) => React.createElement("p", { key: i }, ...text.split(/`([^`]+)`/).map(code));
  const Markdown = ({ source = "", className = "" }) =>
    React.createElement("div", { className: `markdown ${className}` }, String(source).split(/\n\s*\n/).map(paragraph));
  return { components: { Markdown } };
}

// pretty breaks JSON into lines, and changes nothing else.
function pretty(json) {
  let depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  return json.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|\s+|\{\s*\}|\[\s*\]|[{}[\],:]/g, (token) => {
    switch (token[0]) {
      case "{":
      case "[":
        if (token.length > 1) return token[0] + token.at(-1);
        depth++;
        return token + line();
      case "}":
      case "]":
        depth--;
        return line() + token;
      case ",":
        return token + line();
      case ":":
        return ": ";
      case '"':
        return token;
    }
    return ""; // spaces of its own
  });
}

async function main() {
  const element = document.getElementById("docs");
  try {
    const response = await fetch(element.dataset.document);
    const described = await response.json();
    if (!response.ok) throw new Error(described.detail);
    element.replaceChildren();
    show(element, described);
  } catch (error) {
    element.textContent = `${element.dataset.document} cannot be shown: ${error.message}`;
  }
}

main();
