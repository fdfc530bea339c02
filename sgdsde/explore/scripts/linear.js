// Exact stationary covariances around a minimum: of SGD and of its SDE (docs/theory.md, §3).

// Eigenvalues and eigenvectors (columns of a rotation) of a symmetric matrix of one row or two, flat.
function eigen(a) {
  if (a.length === 1) return { values: [a[0]], vectors: [[1]] };
  const [p, q, , r] = a, angle = 0.5 * Math.atan2(2 * q, p - r), c = Math.cos(angle), s = Math.sin(angle);
  const high = p * c * c + 2 * q * c * s + r * s * s, low = p * s * s - 2 * q * c * s + r * c * c;
  return { values: [high, low], vectors: [[c, -s], [s, c]] };
}

const times = (a, b) => a.map((row) => b[0].map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));
const turned = (a) => a[0].map((_, j) => a.map((row) => row[j]));
const plus = (a, b, factor = 1) => a.map((row, i) => row.map((x, j) => x + factor * b[i][j]));
const zeros = (n, m = n) => Array.from({ length: n }, () => new Array(m).fill(0));
const moved = (m, x) => times(times(m, x), turned(m));

// X = M X Mᵀ + Q by doubling; null where M does not contract.
function lyapunov(m, q) {
  let x = q, power = m;
  for (let i = 0; i < 60; i++) {
    x = plus(x, moved(power, x));
    power = times(power, power);
    const size = Math.max(...power.flat().map(Math.abs));
    if (!Number.isFinite(size) || size > 1e100) return null;
    if (size < 1e-17) return x;
  }
  return null;
}

// Covariance of ω (d, d), averaged over the places of an epoch, of a linear map y' = M y + b ξ with noise by modes.
// one(i): {m, b} of mode i; f(i, j): covariance of ξ; epoch: batches of one permutation, or null for independent ones;
// rest(i, j): independent noise of ω beside.
function stationary(d, one, f, epoch, rest) {
  const n = one(0).b.length, size = n * d, m = zeros(size), b = zeros(size, d), q = zeros(size), extra = zeros(size);
  for (let i = 0; i < d; i++) {
    const mode = one(i);
    for (let r = 0; r < n; r++) {
      b[i * n + r][i] = mode.b[r];
      for (let c = 0; c < n; c++) m[i * n + r][i * n + c] = mode.m[r][c];
    }
    for (let j = 0; j < d; j++) {
      extra[i * n][j * n] = rest(i, j);
      for (let r = 0; r < n; r++) for (let c = 0; c < n; c++) q[i * n + r][j * n + c] = mode.b[r] * one(j).b[c] * f(i, j);
    }
  }
  const position = (x) => Array.from({ length: d }, (_, i) => Array.from({ length: d }, (__, j) => x[i * n][j * n]));
  if (!epoch) {
    const found = lyapunov(m, plus(q, extra));
    return found && position(found);
  }
  // Beside y the sum S of the epoch's noise so far: ξ = −S/left + η, Cov η = F (left − 1)/left.
  const whole = size + d, step = (left, x) => {
    const big = zeros(whole), noise = zeros(whole);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        big[i][j] = m[i][j];
        noise[i][j] = (q[i][j] * (left - 1)) / left + extra[i][j];
      }
      for (let j = 0; j < d; j++) {
        big[i][size + j] = -b[i][j] / left;
        let across = 0;
        for (let k = 0; k < d; k++) across += b[i][k] * f(k, j);
        noise[i][size + j] = noise[size + j][i] = (across * (left - 1)) / left;
      }
    }
    for (let i = 0; i < d; i++) {
      big[size + i][size + i] = 1 - 1 / left;
      for (let j = 0; j < d; j++) noise[size + i][size + j] = (f(i, j) * (left - 1)) / left;
    }
    return plus(moved(big, x), noise);
  };
  const padded = (x) => zeros(whole).map((row, i) => row.map((_, j) => (i < size && j < size ? x[i][j] : 0)));
  let power = zeros(size).map((row, i) => row.map((_, j) => Number(i === j))), after = zeros(whole);
  for (let k = 0; k < epoch; k++) {
    power = times(m, power);
    after = step(epoch - k, after);
  }
  const begun = lyapunov(power, after.slice(0, size).map((row) => row.slice(0, size)));
  if (!begun) return null;
  let x = padded(begun), total = zeros(d);
  for (let k = 0; k < epoch; k++) {
    x = step(epoch - k, x);
    total = plus(total, position(x), 1 / epoch);
  }
  return total;
}

// F in the eigenbasis of H, and back.
function inModes(h, f) {
  const { values, vectors } = eigen(h), d = values.length;
  const noise = times(times(turned(vectors), f), vectors);
  return { values, noise, back: (x) => times(times(vectors, x), turned(vectors)), d };
}

// Covariance of SGD with heavy-ball momentum around a minimum, exact at any learning rate; null where there is none.
function sgdCovariance(h, f, s, m) {
  const { values, noise, back, d } = inModes(h, f), { lr } = s;
  if (s.sampling === "shuffle_once" || values.some((value) => !(lr * value > 0 && lr * value < 2 * (1 + m)))) return null;
  if (s.sampling === "reshuffle" && s.N % s.B) return null;
  const epoch = s.sampling === "reshuffle" ? s.N / s.B : null;
  const c = epoch ? 1 / s.B : noiseOf(s, "brownian");
  const one = (i) => ({ m: [[1 - lr * values[i], m], [-lr * values[i], m]], b: [-lr, -lr] });
  const found = stationary(d, one, (i, j) => c * noise[i][j], epoch, () => 0);
  return found && back(found);
}

// Covariance of dω = −Hω ds + √T A dX around a minimum.
function sdeCovariance(h, f, s, told) {
  const { values, noise, back, d } = inModes(h, f), { temperature: t, update } = told;
  if (values.some((value) => !(value > 0))) return null;
  if (told.driver !== "epoched") {
    return back(noise.map((row, i) => row.map((x, j) => (t * x) / (values[i] + values[j]))));
  }
  const kick = (i) => -Math.expm1(-values[i] * update) / (values[i] * update);
  const one = (i) => ({ m: [[Math.exp(-values[i] * update)]], b: [kick(i)] });
  const rest = (i, j) => {
    const both = values[i] + values[j];
    return t * noise[i][j] * (-Math.expm1(-both * update) / both - update * kick(i) * kick(j));
  };
  const found = stationary(d, one, (i, j) => t * update * noise[i][j], s.N / s.B, rest);
  return found && back(found);
}
