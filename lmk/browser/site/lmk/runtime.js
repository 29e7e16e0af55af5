// ONNX Runtime for pages, loaded from where onnxruntime-web.json says, and checked by its hashes.

import { LmkError } from "./errors.js"

// A module with a vector of bytes: valid only where WebAssembly has SIMD.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11]
const MOST_THREADS = 4 // more do not help networks this small

const loading = {} // by kind: each is loaded once

/** Throw LmkError where models cannot be run at all. */
export function requireWebAssembly() {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(new Uint8Array(SIMD))) {
    throw new LmkError("this browser has no WebAssembly with SIMD: it needs Chrome or Edge 91, Firefox 89, "
      + "Safari 16.4 or a later one, with WebAssembly not switched off")
  }
}

/** How many threads WebAssembly may use: one, unless the page is cross-origin isolated. */
export function threadsHere() {
  if (!globalThis.crossOriginIsolated) return 1
  return Math.min(Math.ceil((navigator.hardwareConcurrency ?? 1) / 2), MOST_THREADS)
}

/**
 * The onnxruntime-web of a kind, "wasm" or "webgpu". threads: of WebAssembly; the first call for
 * its kind decides.
 */
export function loadRuntime(kind, threads) {
  loading[kind] ??= load(kind, threads).catch((error) => {
    delete loading[kind] // so that it can be tried again
    throw error
  })
  return loading[kind]
}

/** Whether this browser gives a GPU to pages. */
export async function hasWebGpu() {
  try {
    return Boolean(await navigator.gpu?.requestAdapter())
  } catch {
    return false
  }
}

async function load(kind, threads) {
  requireWebAssembly()
  const here = new URL("onnxruntime-web.json", import.meta.url)
  const known = await (await got(here, {})).json()
  const base = new URL(known.base, here)
  const { module, binary } = known[kind]
  const [ort, wasm] = await Promise.all([
    importChecked(new URL(module.name, base), module.integrity),
    got(new URL(binary.name, base), { integrity: binary.integrity }).then((answer) => answer.arrayBuffer()),
  ])
  ort.env.wasm.wasmBinary = wasm
  ort.env.wasm.numThreads = threads
  ort.env.logLevel = "error"
  return ort
}

async function got(url, options) {
  const answer = await fetch(url, options).catch((error) => {
    throw new LmkError(`${url} cannot be loaded, or is not the expected file: check the connection, and `
      + "export the page again", { cause: error })
  })
  if (!answer.ok) throw new LmkError(`${url} cannot be loaded: the server answers ${answer.status}`)
  return answer
}

// Scripts can be checked by a hash, imports cannot: once the script is there, the import is the same.
async function importChecked(url, integrity) {
  await new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"),
      { type: "module", src: url, integrity, crossOrigin: "anonymous" })
    script.onload = resolve
    script.onerror = () => reject(new LmkError(`${url} cannot be loaded, or is not the expected file: check the `
      + "connection, and export the page again"))
    document.head.append(script)
  })
  return import(url)
}
