// The visitor's choices, which this browser keeps: all that the page stores.

const PLACE = "lmk"
const FIRST = { boxes: false, ids: false, labels: false, landmarks: false, smooth: true, mirror: true,
  backend: "auto", facing: "user" }
const WORDS = { backend: ["auto", "wasm", "webgpu"], facing: ["user", "environment"] }

/** The choices; what is stored is checked. */
export function readSettings() {
  const settings = { ...FIRST }
  try {
    const stored = JSON.parse(localStorage.getItem(PLACE) ?? "{}")
    for (const [name, value] of Object.entries(stored)) {
      const known = WORDS[name]?.includes(value) ?? (name in FIRST && typeof value === "boolean")
      if (known) settings[name] = value
    }
  } catch { /* storage is switched off, or holds something else: the first choices serve */ }
  return settings
}

export function keepSettings(settings) {
  try {
    localStorage.setItem(PLACE, JSON.stringify(settings))
  } catch { /* storage is switched off */ }
}
