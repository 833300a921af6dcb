// What llama.cpp predicts: node predict.mjs MODEL TOKENS COUNT [TEXT], tokens with commas between. Writes one JSON object: for each token the
// probabilities of all entries of the vocabulary as the next one, the COUNT most likely tokens in a row after the last one, and TEXT as tokens.
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [model, given, count, text] = process.argv.slice(2);
const tokens = given.split(",").map(Number);
const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error});
const loaded = await llama.loadModel({modelPath: model});
const context = await loaded.createContext({contextSize: 128, sequences: 2, flashAttention: false, experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32"});

const predicted = await context.getSequence().controlledEvaluate(tokens.map(token => [token, {generateNext: {probabilities: true, options: {temperature: 1, topK: 0, topP: 1, minP: 0}}}]));
const greedy = [];
for await (const token of context.getSequence().evaluate(tokens, {temperature: 0})) {
    greedy.push(token);
    if (greedy.length >= Number(count)) {
        break;
    }
}

const probabilities = predicted.map(({next}) => {
    const row = new Array(loaded.fileInfo.metadata.llama.vocab_size).fill(0);
    next.probabilities.forEach((probability, token) => { row[token] = probability; });
    return row;
});
const words = text === undefined ? [] : loaded.tokenize(text, false, "trimLeadingSpace");
console.log(JSON.stringify({probabilities, greedy, words, begin: loaded.tokens.bos, end: loaded.tokens.eos, addsBegin: loaded.tokens.shouldPrependBosToken}));
await llama.dispose();
