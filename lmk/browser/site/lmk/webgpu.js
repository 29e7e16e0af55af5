// Whether the GPU computes a model's landmarks right, and faster than WebAssembly.

const LIMIT_PX = 0.25 // of landmarks on the two, in input pixels
const RUNS = 5

/** Compare two models on a crop that is drawn here. required: take the GPU also if it is slower. */
export async function chooseBackend(wasm, webgpu, required) {
  const crop = drawnCrop(wasm.inputSize)
  const runs = required ? 1 : RUNS
  const [expected, wasmMs] = await timed(wasm, crop, runs)
  let found, gpuMs
  try {
    [found, gpuMs] = await timed(webgpu, crop, runs)
  } catch (error) {
    return { take: false, reason: `WebGPU failed: ${error.message}` }
  }
  const apartPx = Math.max(...[...expected.landmarks, ...expected.points].map(([x, y], k) => {
    const [u, v] = [...found.landmarks, ...found.points][k]
    return Math.hypot(x - u, y - v)
  }))
  if (!(apartPx <= LIMIT_PX)) {
    return { take: false, reason: `WebGPU is wrong here by ${apartPx.toFixed(2)} px` }
  }
  const times = `${gpuMs.toFixed(1)} ms, WebAssembly ${wasmMs.toFixed(1)} ms`
  if (!required && gpuMs >= wasmMs) return { take: false, reason: `WebGPU is slower here: ${times}` }
  return { take: true, reason: `${times}, ${apartPx.toFixed(3)} px apart` }
}

async function timed(model, crop, runs) {
  const [found] = await model.infer(crop) // the first run compiles
  const times = []
  for (let run = 0; run < runs; run++) {
    const began = performance.now()
    await model.infer(crop)
    times.push(performance.now() - began)
  }
  return [found, times.sort((a, b) => a - b)[runs >> 1]]
}

// A bright disc with two dark ones on a gradient, off centre: no symmetry hides a mistake.
function drawnCrop(size) {
  const crop = new Uint8Array(size * size * 3)
  const inside = (x, y, cx, cy, radius) => Math.hypot(x / size - cx, y / size - cy) < radius
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const eye = inside(x, y, 0.4, 0.4, 0.06) || inside(x, y, 0.66, 0.44, 0.06)
      const face = inside(x, y, 0.53, 0.55, 0.33)
      const [red, green, blue] = eye ? [40, 30, 30] : face ? [220, 170, 140] : [90 * x / size, 120, 160 * y / size]
      crop.set([red, green, blue], 3 * (y * size + x))
    }
  }
  return crop
}
