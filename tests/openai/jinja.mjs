// Renders chat templates with Hugging Face's own interpreter: node jinja.mjs < cases.json
// A case is { template, values }; the answer to each is { text } or { error }.
import { readFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";

const cases = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(({ template, values }) => {
  try {
    return { text: new Template(template).render(values) };
  } catch (error) {
    return { error: String(error.message ?? error) };
  }
})));
