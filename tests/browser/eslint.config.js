import globals from "globals"

const STRICT = Object.fromEntries([
  "constructor-super", "eqeqeq", "for-direction", "getter-return", "no-case-declarations", "no-class-assign",
  "no-const-assign", "no-constant-binary-expression", "no-constant-condition", "no-dupe-args", "no-dupe-class-members",
  "no-dupe-else-if", "no-dupe-keys", "no-duplicate-case", "no-duplicate-imports", "no-empty", "no-eval",
  "no-ex-assign", "no-fallthrough", "no-func-assign", "no-implied-eval", "no-import-assign", "no-inner-declarations",
  "no-invalid-regexp", "no-loss-of-precision", "no-new-func", "no-redeclare", "no-self-assign", "no-self-compare",
  "no-shadow-restricted-names", "no-sparse-arrays", "no-this-before-super", "no-throw-literal", "no-undef",
  "no-unexpected-multiline", "no-unreachable", "no-unsafe-finally", "no-unsafe-negation", "no-unsafe-optional-chaining",
  "no-unused-private-class-members", "no-unused-vars", "no-use-before-define", "no-useless-escape", "no-var",
  "prefer-const", "require-yield", "use-isnan", "valid-typeof",
].map((rule) => [rule, "error"]))

export default [
  { files: ["lmk/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/**/*.{js,mjs}"], languageOptions: { globals: globals.node } },
  { rules: { ...STRICT, "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
    "max-len": ["error", { code: 120 }], semi: ["error", "never", { beforeStatementContinuationChars: "always" }],
    quotes: ["error", "double"] } },
  { ignores: ["**/node_modules/**"] },
]
