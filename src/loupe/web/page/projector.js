// Large type for a room: the key p, or the button in the head; remembered in this browser.
const KEY = "loupe-projector";
const ZOOM = 1.5;

const button = document.createElement("button");
button.type = "button";
button.className = "quiet";
button.textContent = "Projector";
button.title = "Large type for a room (key p)";
button.setAttribute("aria-keyshortcuts", "p");

function recall() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false; // a browser that keeps nothing
  }
}

function set(isOn) {
  document.body.style.zoom = isOn ? String(ZOOM) : "";
  button.setAttribute("aria-pressed", String(isOn));
  try {
    localStorage.setItem(KEY, isOn ? "on" : "off");
  } catch {
    // not remembered, and otherwise the same
  }
}

function isTyping(place) {
  return (
    place instanceof HTMLElement && (place.isContentEditable || place.matches("input, select, textarea"))
  );
}

button.addEventListener("click", () => set(button.getAttribute("aria-pressed") !== "true"));
document.addEventListener("keydown", (event) => {
  if (event.key !== "p" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  set(button.getAttribute("aria-pressed") !== "true");
});
document.querySelector(".masthead").append(button);
set(recall());
