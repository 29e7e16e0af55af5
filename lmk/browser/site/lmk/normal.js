// The normal distribution.

/** The share of it below `x`. */
export function cumulative(x, mean, deviation) {
  const z = (x - mean) / deviation
  if (Math.abs(z) > 38) return z > 0 ? 1 : 0
  // Marsaglia's series, J. Stat. Software 11(4), 2004: exact to about 1e-15.
  if (Math.abs(z) > 7) return z > 0 ? 1 - tail(z) : tail(-z)
  let sum = z, term = z
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
    term *= z * z / i
    sum += term
  }
  return 0.5 + sum * density(z)
}

/** The value below which such a share of it lies, in (0, 1). */
export function quantile(share, mean, deviation) {
  let low = -38, high = 38
  for (let i = 0; i < 80; i++) {
    const middle = (low + high) / 2
    if (cumulative(middle, 0, 1) < share) low = middle; else high = middle
  }
  return mean + deviation * (low + high) / 2
}

const density = (z) => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI)

const tail = (z) => density(z) / (z + 1 / (z + 2 / (z + 3 / (z + 4 / z))))
