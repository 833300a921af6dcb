// How fast llama.cpp writes: node speed.mjs MODEL TOKENS COUNT THREADS, tokens with commas between. Writes one JSON object with the tokens a second, counted from
// the first token that is written.
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [model, given, count, threads] = process.argv.slice(2);
const tokens = given.split(",").map(Number);
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: Number(threads)});
const loaded = await llama.loadModel({modelPath: model});
const context = await loaded.createContext({contextSize: 256, threads: {ideal: Number(threads), min: Number(threads)}});

let written = 0;
let first = 0;
let last = 0;
for await (const _ of context.getSequence().evaluate(tokens, {temperature: 0, yieldEogToken: true})) {
    last = performance.now();
    first = written === 0 ? last : first;
    if (++written > Number(count)) {
        break;
    }
}

console.log(JSON.stringify({tokensPerSecond: (written - 1) / (last - first) * 1000}));
await llama.dispose();
