// How tests get at the page's scripts: modules are imported, the reports' plain scripts run in a world of their own.
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";

const ROOT = new URL("../../src/loupe/", import.meta.url);

export const load = (path) => import(new URL(`web/page/${path}`, ROOT));

/** Return what a plain script of the reports defines; its page is empty. */
export function loadReportScript(name) {
  const world = createContext({ document: { querySelectorAll: () => [] } });
  runInContext(readFileSync(new URL(`reports/templates/${name}`, ROOT), "utf8"), world);
  return world;
}

/** Return plain data of this world: objects of another have other prototypes, which deepEqual minds. */
export const plain = (value) => JSON.parse(JSON.stringify(value));

/** Let the page's theme be dark or light while a function runs. */
export function inTheme(theme, run) {
  globalThis.matchMedia = () => ({ matches: theme === "dark" });
  try {
    return run();
  } finally {
    delete globalThis.matchMedia;
  }
}

/** Return a canvas that keeps what is put on it. */
export function makeCanvas() {
  const canvas = { width: 0, height: 0, pixels: null };
  canvas.getContext = () => ({
    createImageData: (width, height) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) }),
    putImageData: (image) => {
      canvas.pixels = image.data;
    },
  });
  return canvas;
}
