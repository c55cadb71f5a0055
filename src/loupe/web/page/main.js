// Which page is shown. A page is one module in pages/ with `show(place, words, query)`; it returns how to leave it, or
// { leave, follow, name }, where `follow(words, query)` goes to another of its addresses and says whether it could, and
// `name()` is what it is called there, if that is not its heading.
import { el, entitle } from "./dom.js";
import { showProblem } from "./server.js";

// A new page needs a line here: name in the address, module, and a title if it stands in the navigation,
// or the page it stands within.
const PAGES = [
  { name: "runs", title: "Runs", load: () => import("./pages/runs.js") },
  { name: "run", within: "runs", load: () => import("./pages/run.js") },
  { name: "compare", within: "runs", load: () => import("./pages/compare.js") },
  { name: "studies", title: "Studies", load: () => import("./pages/studies.js") },
  { name: "study", within: "studies", load: () => import("./pages/study.js") },
  { name: "search", within: "studies", load: () => import("./pages/search.js") },
  { name: "inside", title: "Inside", load: () => import("./pages/inside.js") },
  { name: "playground", title: "Playground", load: () => import("./pages/playground.js") },
  { name: "course", title: "Course", load: () => import("./pages/course.js") },
  { name: "data", title: "Data", load: () => import("./pages/data.js") },
  { name: "api", title: "Interface", load: () => import("./pages/api.js") },
];

const NOTHING = { leave: () => {}, follow: () => false, name: () => null };
let shown = NOTHING;
let turn = 0;

function readAddress() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...words] = path.split("/").map(decodeURIComponent);
  return { name: name || "runs", words, query: new URLSearchParams(query) };
}

async function show() {
  const { name, words, query } = readAddress();
  const page = PAGES.find((one) => one.name === name) ?? PAGES[0];
  const mine = ++turn;
  shown.leave();
  shown = NOTHING;
  for (const one of document.querySelectorAll("#pages a")) {
    if (one.dataset.page === (page.within ?? page.name)) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  const old = document.getElementById("main");
  const place = el("main", { id: "main", tabIndex: -1 });
  try {
    const module = await page.load();
    if (mine !== turn) return;
    old.replaceWith(place);
    const ways = await module.show(place, words, query);
    const ended = typeof ways === "function" ? { leave: ways } : ways;
    if (mine !== turn) ended?.leave();
    else shown = { ...NOTHING, ...ended, page };
  } catch (error) {
    if (mine === turn && !place.isConnected) old.replaceWith(place);
    place.append(el("h1", {}, "This cannot be shown"), showProblem(error));
  }
  if (mine !== turn) return; // the title is the next page's
  entitle(shown.name() ?? place.querySelector("h1")?.textContent);
}

document
  .getElementById("pages")
  .append(
    ...PAGES.filter((page) => page.title).map((page) =>
      el("a", { href: `#/${page.name}`, "data-page": page.name }, page.title),
    ),
  );
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
window.addEventListener("hashchange", () => {
  const { name, words, query } = readAddress();
  if (shown.page?.name !== name || !shown.follow(words, query)) show();
});
// Painted pixels follow the theme; paper is light, and what is printed is not taken away to be drawn anew.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (!matchMedia("print").matches) show();
});

let isAsked = false;
// Figures and tables come and go; each has its buttons a moment after it is there.
new MutationObserver(() => {
  if (isAsked) return;
  isAsked = true;
  setTimeout(() => {
    isAsked = false;
    window.offerKeeping(document.getElementById("main"));
  }, 150);
}).observe(document.body, { childList: true, subtree: true });
show();
