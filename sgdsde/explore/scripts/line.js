// Exact laws of one dimension: densities and exit times of the SDE and of SGD (docs/theory.md, §6).

// One dimension: L′ and F at n points of an interval, in the middles of equal cells.
function line(of, low, high, n) {
  const width = (high - low) / n, x = Float64Array.from({ length: n }, (_, i) => low + (i + 0.5) * width);
  const slope = Float64Array.from(x, (at) => of.gradient([at])[0]);
  return { x, width, slope, noise: Float64Array.from(x, (at) => of.noise_covariance([at])[0]) };
}

// ∫ 2L′/(T F) at the middles and the right ends of cells.
function exponentOf(of, low, high, n, t) {
  const cells = line(of, low, high, n), fine = line(of, low, high, 2 * n);
  const middle = new Float64Array(n), right = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < 2 * n; i++) {
    sum += (fine.width * 2 * fine.slope[i]) / (t * fine.noise[i]);
    (i % 2 ? right : middle)[i >> 1] = sum;
  }
  return { ...cells, middle, right };
}

// The stationary density of the SDE driven by Brownian motion, at the middles of n cells of a box: mass of each.
function sdeMasses(of, t, [low, high], n) {
  const { middle, noise } = exponentOf(of, low, high, n, t);
  const least = Math.min(...middle), masses = middle.map((value, i) => Math.exp(least - value) / noise[i]);
  const total = masses.reduce((sum, x) => sum + x, 0);
  return total > 0 && Number.isFinite(total) ? masses.map((x) => x / total) : null;
}

// Mean time after which the SDE leaves (low, high); an end where `open` says so is a wall, far away.
function sdeExitTime(of, t, at, [low, high], open, n = 2000) {
  const { x, width, middle, right, noise } = exponentOf(of, low, high, n, t);
  const least = Math.min(...middle);
  // −(e^{−I} τ′)′ = 2 e^{−I}/(T F) on cells, τ = 0 at the ends that are not open: by elimination without differences,
  // in which `excess` is what a row's diagonal has beyond the flux to its right.
  const flux = (value) => Math.exp(least - value) / width;
  const diagonal = new Float64Array(n), source = new Float64Array(n);
  let excess = open[0] ? 0 : 2 * flux(0);
  for (let i = 0; i < n; i++) {
    const towards = i < n - 1 ? flux(right[i]) : open[1] ? 0 : 2 * flux(right[i]);
    source[i] = (2 * width * Math.exp(least - middle[i])) / (t * noise[i]);
    if (i) source[i] += (source[i - 1] * flux(right[i - 1])) / diagonal[i - 1];
    diagonal[i] = towards + excess;
    excess *= towards / diagonal[i];
  }
  for (let i = n - 1; i >= 0; i--) {
    source[i] = (source[i] + (i < n - 1 ? flux(right[i]) * source[i + 1] : 0)) / diagonal[i];
  }
  const found = interpolated(x, source, at);
  return found > 0 && Number.isFinite(found) ? found : null;
}

function interpolated(x, y, at) {
  const place = Math.min(Math.max((at - x[0]) / (x[1] - x[0]), 0), x.length - 1.000001), i = Math.floor(place);
  return y[i] + (place - i) * (y[i + 1] - y[i]);
}

// The density of SGD's next ω between the middles of n cells, for normal batches without momentum; null where its
// steps are too short for them, and the SDE holds.
function sgdKernel(of, s, c, [low, high], n) {
  const { x, width, slope, noise } = line(of, low, high, n), scale = s.lr * Math.sqrt(c);
  const kernel = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const centre = x[i] - s.lr * slope[i], deviation = scale * Math.sqrt(noise[i]);
    if (!(deviation > width)) return null;
    const factor = width / (Math.sqrt(2 * Math.PI) * deviation);
    for (let j = 0; j < n; j++) kernel[i * n + j] = factor * Math.exp(-0.5 * ((x[j] - centre) / deviation) ** 2);
  }
  return { kernel, x };
}

// Stationary masses of SGD in n cells of a box, or null.
function sgdMasses(of, s, c, box, n) {
  const found = sgdKernel(of, s, c, box, n);
  if (!found) return null;
  const a = new Float64Array(n * n), b = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) a[i * n + j] = found.kernel[j * n + i] - Number(i === j);
  }
  for (let j = 0; j < n; j++) a[(n - 1) * n + j] = 1;
  b[n - 1] = 1;
  const masses = solved(a, b, n);
  return masses && masses.every((x) => x > -1e-6) ? masses : null;
}

// Mean number of updates after which SGD is outside of (low, high): τ = 1 + ∫ k τ.
function sgdExitTime(of, s, c, at, ends, n) {
  const found = sgdKernel(of, s, c, ends, n);
  if (!found) return null;
  const a = new Float64Array(n * n);
  for (let i = 0; i < n * n; i++) a[i] = -found.kernel[i];
  for (let i = 0; i < n; i++) a[i * n + i] += 1;
  const times_ = solved(a, new Float64Array(n).fill(1), n);
  const value = times_ && interpolated(found.x, times_, at);
  return value > 0 && value < 1e12 ? value : null;
}

// The solution of a dense system, by Gauss's elimination with rows exchanged; null for a singular one.
function solved(a, b, n) {
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]) > Math.abs(a[best * n + k])) best = i;
    if (!(Math.abs(a[best * n + k]) > 0)) return null;
    if (best !== k) {
      for (let j = k; j < n; j++) [a[k * n + j], a[best * n + j]] = [a[best * n + j], a[k * n + j]];
      [b[k], b[best]] = [b[best], b[k]];
    }
    for (let i = k + 1; i < n; i++) {
      const factor = a[i * n + k] / a[k * n + k];
      if (factor === 0) continue;
      for (let j = k; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
      b[i] -= factor * b[k];
    }
  }
  for (let k = n - 1; k >= 0; k--) {
    for (let j = k + 1; j < n; j++) b[k] -= a[k * n + j] * b[j];
    b[k] /= a[k * n + k];
  }
  return b;
}
