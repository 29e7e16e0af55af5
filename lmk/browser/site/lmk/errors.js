/** An error of lmk, whose message says what was expected, what came, and how to mend it. */
export class LmkError extends Error {
  name = "LmkError"
}
