// Tags of a run: words in a row, one taken away with a click, another typed.
import { el } from "./dom.js";
import { runPath, send, showProblem } from "./server.js";

const lines = new Map(); // the last change of each run on its way, for the next one to wait for

/** Have the server change tags of a run, after the changes before; only what changes is sent, never a whole list. */
function change(id, changes) {
  const turn = (lines.get(id) ?? Promise.resolve()).then(() => send(runPath(id, "/tags"), changes, "PATCH"));
  lines.set(
    id,
    turn.catch(() => {}),
  );
  return turn;
}

/** Fill a place with a run's tags; `onChange()` is told when others are kept. */
export function editTags(place, run, onChange) {
  const words = el("span", { class: "words" });
  const save = async (changes) => {
    try {
      const { tags } = await change(run.id, changes);
      showWords(tags); // where the whole place is not drawn anew, because somebody types the next one there
      onChange();
    } catch (error) {
      const now = place.isConnected
        ? place
        : document.querySelector(`[data-tags-of="${CSS.escape(run.id)}"]`);
      now?.append(showProblem(error));
    }
  };
  const showWords = (tags) =>
    words.replaceChildren(
      ...tags.map((tag) =>
        el(
          "span",
          { class: "tag" },
          tag,
          el(
            "button",
            {
              type: "button",
              "aria-label": `Remove the tag ${tag}`,
              onclick: (event) => {
                event.target.blur();
                save({ remove: [tag] });
              },
            },
            "×",
          ),
        ),
      ),
    );
  const input = el("input", {
    type: "text",
    maxLength: 32,
    hidden: true,
    "aria-label": `New tag for ${run.name}`,
    placeholder: "tag, Enter",
  });
  const add = el(
    "button",
    {
      type: "button",
      class: "tag add",
      "aria-label": `Add a tag to ${run.name}`,
      onclick: () => {
        add.hidden = true;
        input.hidden = false;
        input.focus();
      },
    },
    "+ tag",
  );
  const close = () => {
    input.hidden = true;
    add.hidden = false;
    input.value = "";
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "Enter" && input.value.trim()) {
      const tag = input.value.trim();
      input.blur();
      save({ add: [tag] });
    }
  });
  input.addEventListener("blur", close);
  showWords(run.tags);
  place.dataset.tagsOf = run.id;
  place.replaceChildren(words, add, input);
}
