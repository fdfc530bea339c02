// Exact laws of SGD itself in one dimension, without momentum and with independent batches: as sgdsde.theory.updates.

// How many cells, and how far the answer of half as many may be from it; the most of the paths that leave the frame.
const EXIT_POINTS = 400, AGREED = 0.02, LOST = 1e-3, MOST_ROUNDS = 10000;

// Chances to go from the middle of one of n cells to another, for batches of the law of batchLaw, or normal ones for null;
// `held` is the chance to be sent back by an end that is open. Null where steps are shorter than cells: the SDE holds.
// Values have a normal law as wide as a cell around them and are drawn together, so that the variance stays.
function sgdKernel(of, s, c, law, [low, high], open, n) {
  const { x, width, slope } = line(of, low, high, n), kernel = new Float64Array(n * n), held = new Float64Array(n);
  const { values, weights } = law || { values: [0], weights: [1] };
  for (let i = 0; i < n; i++) {
    const factor = s.lr * of.noise_factor([x[i]])[0], deviation = Math.sqrt(c) * Math.abs(factor);
    if (!(deviation > width)) return null;
    const wide = (law ? width : deviation) / width, shrunk = law ? Math.sqrt(1 - (width / deviation) ** 2) : 0;
    const height = 1 / (Math.sqrt(2 * Math.PI) * wide), start = (x[i] - s.lr * slope[i] - x[0]) / width;
    values.forEach((value, k) => {
      const at = start - (factor * shrunk * value) / width;
      for (let j = Math.ceil(at - 6 * wide); j <= at + 6 * wide; j++) {
        const to = j < 0 && open[0] ? -1 - j : j >= n && open[1] ? 2 * n - 1 - j : j;
        const chance = weights[k] * height * Math.exp(-0.5 * ((j - at) / wide) ** 2);
        if (to >= 0 && to < n) kernel[i * n + to] += chance;
        if ((j < 0 && open[0]) || (j >= n && open[1])) held[i] += chance;
      }
    });
  }
  return { kernel, held, x };
}

// Stationary masses of SGD in n cells of a box, or null.
function sgdMasses(of, s, c, law, box, n) {
  if (!confines(of, box, [true, true])) return null;
  const found = sgdKernel(of, s, c, law, box, [true, true], n);
  if (!found) return null;
  const a = new Float64Array(n * n), b = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) a[i * n + j] = found.kernel[j * n + i] - Number(i === j);
  }
  for (let j = 0; j < n; j++) a[(n - 1) * n + j] = 1;
  b[n - 1] = 1;
  const [masses] = solved(a, [b], n) || [null];
  const kept = masses && masses.reduce((sum, mass, i) => sum + mass * found.held[i], 0) < LOST;
  return kept && masses.every((mass) => mass > -1e-6) ? masses : null;
}

// Mean number of updates after which SGD is first outside of (low, high), an end of which is none where `open` says so;
// Infinity where no batch ever takes it there, null where it is not known.
function sgdExitTime(of, s, c, law, at, ends, open) {
  if (law && staysInside(of, s, law, at, ends)) return Infinity;
  if (!confines(of, ends, open)) return null;
  const [rough, fine] = [EXIT_POINTS / 2, EXIT_POINTS].map((n) => exitOnGrid(of, s, c, law, at, ends, open, n));
  return rough && fine && Math.abs(fine / rough - 1) < AGREED ? fine : null;
}

// τ = 1 + ∫ k τ, and in the same way the chance to leave by an open end, which the frame does not show.
function exitOnGrid(of, s, c, law, at, ends, open, n) {
  const found = sgdKernel(of, s, c, law, ends, open, n);
  if (!found) return null;
  const a = found.kernel.map((chance) => -chance);
  for (let i = 0; i < n; i++) a[i * n + i] += 1;
  const [times_, chances] = (solved(a, [new Float64Array(n).fill(1), found.held], n) || []).map((y) => interpolated(found.x, y, at));
  return times_ > 0 && times_ < 1e12 && chances < LOST ? times_ : null;
}

// Whether the interval of all places that SGD can come to from a point, by its extreme batches, ends before the ends.
function staysInside(of, s, law, at, [low, high]) {
  const { x } = line(of, low, high, EXIT_POINTS);
  let from = at, to = at;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const inside = [from, to, ...x.filter((each) => each > from && each < to)];
    let least = from, most = to;
    for (const each of inside) {
      const centre = each - s.lr * of.gradient([each])[0], factor = s.lr * of.noise_factor([each])[0];
      for (const value of [law.least, law.most]) {
        least = Math.min(least, centre - factor * value);
        most = Math.max(most, centre - factor * value);
      }
    }
    if (least < low || most > high) return false;
    if (from - least + most - to < 1e-12 * (high - low)) return true;
    [from, to] = [least, most];
  }
  return false;
}

// The solutions of a dense system for several right sides, by Gauss's elimination with rows exchanged; null for a
// singular one.
function solved(a, sides, n) {
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[best * n + k])) best = i;
    if (!(Math.abs(a[best * n + k]) > 0)) return null;
    if (best !== k) {
      for (let j = k; j < n; j++) [a[k * n + j], a[best * n + j]] = [a[best * n + j], a[k * n + j]];
      for (const b of sides) [b[k], b[best]] = [b[best], b[k]];
    }
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k] / a[k * n + k];
      if (factor === 0) continue;
      for (let j = k; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
      for (const b of sides) b[i] -= factor * b[k];
    }
  }
  for (const b of sides) {
    for (let k = n - 1; k >= 0; k--) {
      for (let j = k + 1; j < n; j++) b[k] -= a[k * n + j] * b[j];
      b[k] /= a[k * n + k];
    }
  }
  return sides;
}
