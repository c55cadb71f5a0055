// Tags of a run: words in a row, one taken away with a click, another typed.
import { el } from "./dom.js";
import { showProblem } from "./server.js";

/** Fill a place with a run's tags; `save(tags)` is asked to keep them. */
export function editTags(place, run, save) {
  const change = async (tags) => {
    try {
      await save(tags);
    } catch (error) {
      place.append(showProblem(error));
    }
  };
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
      const wanted = [...run.tags, input.value.trim()];
      input.blur();
      change(wanted);
    }
  });
  input.addEventListener("blur", close);
  place.replaceChildren(
    ...run.tags.map((tag) =>
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
              change(run.tags.filter((one) => one !== tag));
            },
          },
          "×",
        ),
      ),
    ),
    add,
    input,
  );
}
