// Asks a server what the tests want to know, with OpenAI's own client: node client.mjs BASE_URL MODEL PROMPT
import OpenAI from "openai";

const [baseURL, model, prompt] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });

const models = [];
for await (const one of client.models.list()) {
  models.push(one.id);
}

const whole = await client.completions.create({ model, prompt, max_tokens: 12, seed: 3, logprobs: 2, n: 2 });
let streamed = "";
let finish = null;
let usage = null;
const stream = await client.completions.create({ model, prompt, max_tokens: 12, seed: 3, stream: true, stream_options: { include_usage: true } });
for await (const piece of stream) {
  streamed += piece.choices[0]?.text ?? "";
  finish = piece.choices[0]?.finish_reason ?? finish;
  usage = piece.usage ?? usage;
}

const embeddings = await client.embeddings.create({ model, input: [prompt, "another"] });
const errors = {};
for (const [name, ask] of Object.entries({
  unknown: () => client.completions.create({ model: "nobody", prompt }),
  chat: () => client.chat.completions.create({ model, messages: [{ role: "user", content: prompt }] }),
  tooLong: () => client.completions.create({ model, prompt: "a ".repeat(5000) }),
})) {
  try {
    await ask();
  } catch (error) {
    errors[name] = { status: error.status, code: error.code, type: error.constructor.name };
  }
}

console.log(JSON.stringify({
  models, texts: whole.choices.map(choice => choice.text), logprobs: whole.choices[0].logprobs.token_logprobs.length, path: whole.dipaco.path,
  streamed, finish, tokens: usage.completion_tokens, embeddings: embeddings.data.map(one => [...one.embedding]), errors,
}));
