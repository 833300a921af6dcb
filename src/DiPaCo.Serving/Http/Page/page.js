// Tries a prompt on several paths side by side, over the same API that everyone else uses. No key is kept, and nothing is loaded from elsewhere.
const by = id => document.getElementById(id);
const ShownScores = 8;

let run = null; // The name of the whole model.
let paths = []; // Its paths, in the order of the router's scores.
let writing = null; // What stops the answers that are on their way.

class Problem extends Error {}

const headers = () => by("key").value
  ? { "Content-Type": "application/json", Authorization: `Bearer ${by("key").value}` }
  : { "Content-Type": "application/json" };

// Neighboring numbers get hues that are far apart.
const hueOf = path => (path * 137.5) % 360;

const nameOf = (path, experts) => experts?.length ? `path ${path} (experts ${experts.join(", ")})` : `path ${path}`;

function element(kind, className, text) {
  const made = document.createElement(kind);
  made.className = className;
  made.textContent = text;
  return made;
}

function say(text, isError = false) {
  by("status").textContent = text;
  by("status").classList.toggle("error", isError);
}

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { ...options, headers: headers() });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Problem("The server cannot be reached. Is it still running?");
  }
  if (answer.ok) return answer;
  if (answer.status === 401) by("keyrow").hidden = false;
  const said = await answer.json().catch(() => null);
  throw new Problem(answer.status === 401 ? "This server asks for a key, and has not been given one that it knows."
    : said?.error?.message ?? `The server answered with status ${answer.status}.`);
}

async function loadModels() {
  const answer = await ask("v1/models");
  const models = (await answer.json()).data;
  const whole = models.find(model => model.dipaco?.path === undefined);
  const chosen = new Set([...by("writers").querySelectorAll(":checked")].map(box => box.value));
  run = whole.id;
  paths = models.filter(model => model !== whole).map(model => model.dipaco);
  by("model").textContent = document.title = run;
  by("about").textContent = `${paths.length} ${paths.length === 1 ? "path" : "paths"}, a context of ${whole.dipaco.context} tokens, version ${whole.dipaco.model_digest.slice(0, 12)}. `
    + `The router is ${whole.dipaco.router} on the first ${whole.dipaco.prefix_tokens} tokens.`;
  by("tokens").max = whole.dipaco.context - 1;
  if (Number(by("tokens").value) >= whole.dipaco.context / 2) by("tokens").value = Math.max(1, Math.floor(whole.dipaco.context / 2));
  by("router").replaceChildren(new Option("the document router", "prefix"), ...whole.dipaco.token_router ? [new Option("the token router", "token")] : []);
  by("writers").replaceChildren(...models.map((model, at) => {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = model.id;
    box.checked = chosen.size ? chosen.has(model.id) : at === 0;
    label.append(box, model === whole ? "the router's choice" : nameOf(model.dipaco.path, model.dipaco.experts));
    return label;
  }));
}

// What is asked for; fields that are left empty are the server's.
function requestFor(model, prompt, seed) {
  const request = {
    model, prompt, seed, stream: true, stream_options: { include_usage: true },
    max_tokens: Number(by("tokens").value), temperature: Number(by("temperature").value), top_p: Number(by("top_p").value),
  };
  for (const name of ["top_k", "min_p", "repetition_penalty"]) {
    if (by(name).value !== "") request[name] = Number(by(name).value);
  }
  if (by("stoptext").value !== "") request.stop = by("stoptext").value;
  if (model === run && by("window").value !== "") {
    request.dipaco = { reroute: { window: Number(by("window").value), router: by("router").value } };
  }
  return request;
}

// The objects of a stream of server-sent events.
async function* eventsOf(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let piece;
    try {
      piece = await reader.read();
    } catch (error) {
      throw error.name === "AbortError" ? error : new Problem("The connection was lost before the end.");
    }
    if (piece.done) throw new Problem("The answer broke off before its end.");
    const events = (rest + piece.value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      if (event === "data: [DONE]") return;
      yield JSON.parse(event.slice("data: ".length));
    }
  }
}

class Column {
  #text;
  #end;
  #part = null;
  #reroutes = 0;
  #model;

  constructor(model, prompt) {
    this.#model = model;
    this.root = by("column").content.cloneNode(true).firstElementChild;
    this.#text = this.root.querySelector(".text");
    this.#end = this.root.querySelector(".end");
    this.#title(null);
    this.#text.append(element("span", "prompt", prompt));
    this.root.querySelector(".on").addEventListener("click", () => {
      by("prompt").value = prompt + [...this.#text.querySelectorAll(".part")].map(part => part.textContent).join("");
      by("prompt").focus();
    });
  }

  async write(request, signal) {
    this.root.setAttribute("aria-busy", "true");
    this.#end.textContent = "Waiting…";
    let finish = null;
    let usage = null;
    const begun = performance.now();
    try {
      for await (const event of eventsOf(await ask("v1/completions", { method: "POST", body: JSON.stringify(request), signal }))) {
        if (event.error) throw new Problem(event.error.message);
        if (event.dipaco) this.#route(event.dipaco);
        const choice = event.choices[0];
        if (choice?.text) this.#add(choice.text);
        finish = choice?.finish_reason ?? finish;
        usage = event.usage ?? usage;
      }
      const seconds = (performance.now() - begun) / 1000;
      this.#end.textContent = `${usage.completion_tokens} tokens in ${seconds.toFixed(1)} s, ended ${finish === "length" ? "by the limit of tokens" : "by itself"}; seed ${request.seed}.`;
      return true;
    } catch (error) {
      this.#end.textContent = error.name === "AbortError" ? `Stopped; seed ${request.seed}.` : error.message;
      if (error.name === "AbortError") return true;
      this.#end.classList.add("error");
      if (!(error instanceof Problem)) throw error;
      return false;
    } finally {
      this.root.setAttribute("aria-busy", "false");
      this.root.querySelector(".on").hidden = !this.#part;
    }
  }

  #title(route) {
    const who = this.#model === run ? "The router's choice" : null;
    const path = route && nameOf(route.path, route.experts);
    this.root.querySelector("h2").textContent = [who ?? path ?? this.#model, who && path].filter(Boolean).join(": ");
  }

  #route(route) {
    this.#title(route);
    if (route.scores && this.root.querySelector(".scores").hidden) this.#scores(route.scores);
    for (const one of route.reroutes.slice(this.#reroutes)) {
      const mark = element("span", "reroute", `path ${one.from} → ${one.to}`);
      mark.title = `From token ${one.position} on path ${one.to} writes; keys and values of the first ${one.first_block} blocks are kept.`;
      this.#text.append(mark);
      this.#part = null;
    }
    this.#reroutes = route.reroutes.length;
    this.hue = hueOf(route.path);
  }

  #add(text) {
    if (!this.#part) {
      this.#part = element("span", "part", "");
      this.#part.style.setProperty("--hue", this.hue);
      this.#text.append(this.#part);
    }
    this.#part.append(text);
    this.#end.textContent = "Writing…";
  }

  #scores(scores) {
    const ranked = scores.map((score, at) => ({ score, path: paths[at]?.path ?? at })).filter(one => one.score !== null).sort((a, b) => b.score - a.score);
    const most = ranked[0]?.score;
    const range = most - ranked.at(-1)?.score || 1;
    const items = ranked.slice(0, ShownScores).map(({ score, path }) => {
      const item = document.createElement("li");
      const bar = element("span", "bar", "");
      bar.style.setProperty("--hue", hueOf(path));
      bar.style.setProperty("--share", 1 - (most - score) / range);
      item.append(element("span", "", `path ${path}`), bar, element("span", "number", score.toPrecision(4)));
      return item;
    });
    if (ranked.length > ShownScores) items.push(element("li", "more", `and ${ranked.length - ShownScores} lower ones`));
    this.root.querySelector(".scores ol").replaceChildren(...items);
    this.root.querySelector(".scores").hidden = false;
  }
}

async function writeAll() {
  writing?.abort();
  const own = writing = new AbortController();
  try {
    if (!run) await loadModels();
    const models = [...by("writers").querySelectorAll(":checked")].map(box => box.value);
    if (!models.length) throw new Problem("Choose who writes: the router, or paths.");
    const prompt = by("prompt").value;
    const seed = by("seed").value === "" ? crypto.getRandomValues(new Uint32Array(1))[0] : Number(by("seed").value);
    const columns = models.map(model => [model, new Column(model, prompt)]);
    by("columns").replaceChildren(...columns.map(([, column]) => column.root));
    by("stop").disabled = false;
    say("Writing…");
    const good = await Promise.all(columns.map(([model, column]) => column.write(requestFor(model, prompt, seed), own.signal)));
    const failed = good.filter(one => !one).length;
    if (own !== writing) return;
    say(own.signal.aborted ? "Stopped." : failed ? `${failed} of ${good.length} failed.` : "Done.", failed > 0);
  } catch (error) {
    if (own !== writing) return;
    say(error.message, true);
    if (!(error instanceof Problem)) throw error;
  } finally {
    if (own === writing) {
      writing = null;
      by("stop").disabled = true;
    }
  }
}

const load = () => loadModels().then(() => say(""), error => say(error.message, true));

by("form").addEventListener("submit", event => {
  event.preventDefault();
  writeAll();
});
by("stop").addEventListener("click", () => writing?.abort());
by("key").addEventListener("change", load);
document.addEventListener("keydown", event => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("form").requestSubmit();
  if (event.key === "Escape") writing?.abort();
});
load();
