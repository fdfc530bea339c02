// Exact laws of the SDE in one dimension: densities and exit times (docs/theory.md, §6).

// One dimension: L′ and F at n points of an interval, in the middles of equal cells.
function line(of, low, high, n) {
  const width = (high - low) / n, x = Float64Array.from({ length: n }, (_, i) => low + (i + 0.5) * width);
  const slope = Float64Array.from(x, (at) => of.gradient([at])[0]);
  return { x, width, slope, noise: Float64Array.from(x, (at) => of.noise_covariance([at])[0]) };
}

// Whether the loss pushes inwards at the ends that are open; else there is more outside than an interval shows.
function confines(of, [low, high], [below, above]) {
  return (!below || of.gradient([low])[0] < 0) && (!above || of.gradient([high])[0] > 0);
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

// The stationary density of the SDE driven by Brownian motion, at the middles of n cells of a box: mass of each; null where
// the box does not hold all but LOST of it, a tail being as long as the density takes to fall to 1/e.
function sdeMasses(of, t, [low, high], n) {
  if (!confines(of, [low, high], [true, true])) return null;
  const { middle, noise, slope, width } = exponentOf(of, low, high, n, t);
  const least = Math.min(...middle), masses = middle.map((value, i) => Math.exp(least - value) / noise[i]);
  const total = masses.reduce((sum, x) => sum + x, 0);
  const tail = (i) => (masses[i] * t * noise[i]) / (2 * Math.abs(slope[i]) * width);
  const held = total > 0 && Number.isFinite(total) && tail(0) + tail(n - 1) < LOST * total;
  return held ? masses.map((x) => x / total) : null;
}

// Mean time after which the SDE leaves (low, high); an end where `open` says so is a wall, far away.
function sdeExitTime(of, t, at, [low, high], open, n = 2000) {
  if (!confines(of, [low, high], open)) return null;
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
