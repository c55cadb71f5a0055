// What scripts and styles are held to. Layout is prettier's; imports form no circle, as in Python.
import css from "@eslint/css";
import js from "@eslint/js";
import { importX } from "eslint-plugin-import-x";
import globals from "globals";

const SCRIPTS = ["**/*.js"];
const PAGE = ["src/loupe/web/page/**/*.js"];
const REPORTS = ["src/loupe/reports/templates/*.js"];

const craft = {
  complexity: ["error", 15],
  eqeqeq: "error",
  "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
  "max-lines-per-function": ["error", { max: 100, skipBlankLines: true, skipComments: true }],
  "max-params": ["error", 8],
  "no-implied-eval": "error",
  "no-shadow": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
};

export default [
  { ignores: ["**/node_modules/", "**/.venv/", "**/venv/", "build/", "dist/"] },
  { files: SCRIPTS, ...js.configs.recommended },
  { files: SCRIPTS, rules: craft },
  {
    files: PAGE,
    plugins: { "import-x": importX },
    languageOptions: { sourceType: "module", globals: globals.browser },
    rules: {
      "import-x/export": "error",
      "import-x/named": "error",
      "import-x/no-cycle": "error",
      "import-x/no-self-import": "error",
      "import-x/no-unresolved": "error",
    },
  },
  { files: REPORTS, languageOptions: { sourceType: "script", globals: globals.browser } },
  { files: ["*.js", "tests/**/*.js"], languageOptions: { globals: globals.node } },
  { files: ["src/**/*.css"], plugins: { css }, language: "css/css", ...css.configs.recommended },
  {
    files: ["src/**/*.css"],
    rules: {
      "css/no-invalid-properties": ["error", { allowUnknownVariables: true }], // sheets share them
      "css/use-baseline": [
        "error",
        {
          available: "newly",
          allowPropertyValues: { "font-family": ["ui-monospace"], "break-after": ["avoid"] },
        },
      ], // these fall back
    },
  },
];
