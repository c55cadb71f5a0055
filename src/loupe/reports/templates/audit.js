// Suspects of an audit are kept, relabelled or dropped by keyboard; what is decided is saved as CSV. No dependencies.
"use strict";

function writeCorrections(decisions) {
  const quote = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = decisions.map((one) => [one.image, one.file, one.index, one.action, one.label].map(quote));
  return [["image", "file", "index", "action", "label"], ...rows].map((row) => `${row.join(",")}\n`).join("");
}

function openMemory(name) {
  // a browser may keep nothing for files, or forbid it: then what is decided lasts as long as the page
  const key = `loupe audit ${name} ${location.pathname}`;
  return {
    get isThere() {
      try {
        localStorage.setItem(`${key} tried`, "");
        localStorage.removeItem(`${key} tried`);
        return true;
      } catch {
        return false;
      }
    },
    read() {
      try {
        return JSON.parse(localStorage.getItem(key)) ?? {};
      } catch {
        return {};
      }
    },
    write(decisions) {
      try {
        localStorage.setItem(key, JSON.stringify(decisions));
      } catch {
        /* nothing is remembered */
      }
    },
  };
}

function save(decisions) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([writeCorrections(decisions)], { type: "text/csv" }));
  link.download = "corrections.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function wireReview(bar) {
  const cards = [...document.querySelectorAll(".suspect")];
  const memory = openMemory(bar.dataset.audit);
  const decisions = memory.read();
  const choice = bar.querySelector("select");
  let current = -1;

  // equal images may be listed apart: what is decided holds for one of them
  const name = (card) => [card.dataset.image, card.dataset.file, card.dataset.index].join("|");

  function show(card) {
    const decided = decisions[name(card)];
    card.classList.toggle("drop", decided?.action === "drop");
    card.querySelectorAll("button").forEach((button) => {
      const isSuggested = button.dataset.action !== "relabel" || decided?.label === card.dataset.suggested;
      button.setAttribute("aria-pressed", String(decided?.action === button.dataset.action && isSuggested));
    });
    card.querySelector(".decided").textContent =
      decided?.action === "relabel" && decided.label !== card.dataset.suggested ? `→ ${decided.label}` : "";
  }

  const forgets = memory.isThere ? "" : " Nothing is remembered here: save before you close the page.";

  function count() {
    const all = Object.values(decisions);
    const of = (action) => all.filter((one) => one.action === action).length;
    bar.querySelector("#counts").textContent =
      (all.length
        ? `${of("relabel")} relabelled, ${of("drop")} dropped, ${of("keep")} kept`
        : "Nothing decided yet.") + (forgets && (all.length ? `.${forgets}` : forgets));
  }

  function choose(index) {
    if (!cards.length) return;
    cards[current]?.classList.remove("current");
    if (current >= 0) cards[current].tabIndex = -1;
    current = Math.min(cards.length - 1, Math.max(0, index));
    const card = cards[current];
    card.classList.add("current");
    card.tabIndex = 0;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
    choice.value = "";
  }

  function decide(action, label = "") {
    const card = cards[current];
    if (!card) return;
    const { image, file, index } = card.dataset;
    if (action === null) delete decisions[name(card)];
    else decisions[name(card)] = { image, file, index, action, label };
    cards.filter((other) => name(other) === name(card)).forEach(show);
    memory.write(decisions);
    count();
    if (action !== null) choose(current + 1);
  }

  function relabel() {
    const suggested = cards[current]?.dataset.suggested;
    if (suggested) decide("relabel", suggested);
    else choice.focus();
  }

  const keys = {
    ArrowDown: () => choose(current + 1),
    ArrowUp: () => choose(current - 1),
    k: () => decide("keep"),
    r: relabel,
    c: () => choice.focus(),
    d: () => decide("drop"),
    u: () => decide(null),
    s: () => save(Object.values(decisions)),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === choice) return;
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  choice.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(current);
    if (event.key !== "Enter" || !choice.value) return;
    event.preventDefault();
    decide("relabel", choice.value);
  });
  let isTyping = false; // with the keyboard a class counts once Enter is pressed, with the mouse at once
  choice.addEventListener("keydown", () => (isTyping = true));
  choice.addEventListener("pointerdown", () => (isTyping = false));
  choice.addEventListener("change", () => {
    if (!isTyping && choice.value) decide("relabel", choice.value);
  });

  cards.forEach((card, index) => {
    card.addEventListener("click", (event) => {
      choose(index);
      const action = event.target.closest("button")?.dataset.action;
      if (action) decide(action, action === "relabel" ? card.dataset.suggested : "");
    });
    show(card);
  });
  if (cards.length) cards[0].tabIndex = 0;
  bar.querySelector("#save").addEventListener("click", () => save(Object.values(decisions)));
  count();
}

document.querySelectorAll(".review").forEach(wireReview);
