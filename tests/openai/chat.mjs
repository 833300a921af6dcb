// Chats with a server by OpenAI's own client: node chat.mjs BASE_URL MODEL TEXT
import OpenAI from "openai";

const [baseURL, model, text] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "system", content: "Be brief." }, { role: "user", content: text }];

const whole = await client.chat.completions.create({ model, messages, max_completion_tokens: 12, seed: 3, n: 2, logprobs: true, top_logprobs: 2 });
const streaming = client.chat.completions.stream({ model, messages, max_completion_tokens: 12, seed: 3, stream_options: { include_usage: true } });
let streamed = "";
streaming.on("content", piece => { streamed += piece; });
const final = await streaming.finalChatCompletion();

let error = null;
try {
  await client.chat.completions.create({ model, messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] });
} catch (failure) {
  error = { status: failure.status, type: failure.constructor.name };
}

console.log(JSON.stringify({
  texts: whole.choices.map(choice => choice.message.content), role: whole.choices[0].message.role, logprobs: whole.choices[0].logprobs.content.length,
  tokens: whole.usage.completion_tokens, path: whole.dipaco.path, streamed, final: final.choices[0].message.content, finish: final.choices[0].finish_reason,
  streamedRole: final.choices[0].message.role, streamedTokens: final.usage.completion_tokens, error,
}));
