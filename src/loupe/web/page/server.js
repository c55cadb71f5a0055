// Questions to the server. A mistake comes back as words: what is wrong, what was got, what is allowed, what next.
import { el } from "./dom.js";

export class Problem extends Error {
  constructor(answer) {
    super(answer.error ?? "The server gave no answer.");
    this.answer = answer;
  }
}

export async function ask(path, { query = {}, onAnswer = () => {}, ...options } = {}) {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat())
      if (one !== undefined && one !== null && one !== "") parts.append(name, one);
  }
  let response;
  try {
    response = await fetch(`/api/${path}${parts.size ? `?${parts}` : ""}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ error: "The server does not answer.", next: "is `loupe open` still running?" });
  }
  onAnswer(response);
  return response.status === 304 ? null : readAnswer(response);
}

async function readAnswer(response) {
  let answer = null;
  try {
    answer = await response.json();
  } catch {
    /* not JSON: said below */
  }
  if (!response.ok || answer === null)
    throw new Problem(answer ?? { error: `The server answered ${response.status}.` });
  return answer;
}

/** Return a function that asks the same again, and answers null while nothing has changed. */
export function askForNews(path) {
  let tag = null;
  return () =>
    ask(path, {
      cache: "no-store",
      headers: tag ? { "If-None-Match": tag } : {},
      onAnswer: (response) => {
        tag = response.headers.get("etag") ?? tag;
      },
    });
}

export function send(path, body, method = "POST") {
  return ask(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export function upload(path, blob, fields = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  form.append("image", blob, "image.png");
  return ask(path, { method: "POST", body: form });
}

export const runPath = (id, rest = "") => `runs/${encodeURIComponent(id)}${rest}`;

export function showProblem(error) {
  const answer = error.answer ?? { error: String(error.message ?? error) };
  if (!error.answer) console.error(error);
  const rows = [
    ["got", answer.got],
    ["allowed", answer.allowed],
    ["next", answer.next],
  ].filter(([, text]) => text);
  return el(
    "div",
    { class: "note", role: "alert" },
    el("b", {}, answer.error),
    ...rows.map(([name, text]) => el("div", {}, el("span", { class: "soft" }, `${name}: `), text)),
  );
}
