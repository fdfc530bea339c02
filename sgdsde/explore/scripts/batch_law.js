// The law of a batch's mean of N examples, numbers: what SGD's next step is drawn from.

// Cells of a standard deviation, standard deviations to each side, and weights that are as good as nothing.
const FINENESS = 16, FAR = 8, NOTHING = 1e-15;

// {values, weights, least, most}: of the mean of B of the examples z, of mean 0. A batch of one is an example, all but one
// leave out one; the sums of others are on a grid, where a shift keeps mean, variance and third moment.
function batchLaw(z, b, sampling) {
  const n = z.length, independent = sampling === "with_replacement", picks = independent ? b : Math.min(b, n - b);
  const factor = (picks === b ? 1 : -1) / b, sorted = Array.from(z).sort((x, y) => x - y);
  const sum = (values) => values.reduce((all, x) => all + x, 0);
  const ends = [independent ? b * sorted[0] : sum(sorted.slice(0, b)), independent ? b * sorted[n - 1] : sum(sorted.slice(n - b))];
  const [least, most] = ends.map((end) => end / b);
  if (picks === 1) return { values: sorted.map((x) => x * factor), weights: sorted.map(() => 1 / n), least, most };
  const largest = Math.max(-sorted[0], sorted[n - 1]), square = sum(sorted.map((x) => x * x)) / n;
  const deviation = Math.sqrt(picks * square * (independent ? 1 : (n - picks) / (n - 1)));
  const cell = deviation / FINENESS, half = Math.ceil(Math.min(picks * (largest + 2 * cell), FAR * deviation + 2 * largest) / cell) + 2;
  const shifts = sorted.map((x) => shiftBy(x / cell)), cells = 2 * half + 1;
  const law = independent ? sumOfIndependent(shifts, picks, cells, half) : sumOfDistinct(shifts, picks, cells, half);
  const total = sum(Array.from(law)), kept = Array.from(law.keys()).filter((i) => Math.abs(law[i]) > NOTHING * total);
  const values = kept.map((i) => (i - half) * cell * factor), weights = kept.map((i) => law[i] / total);
  return { values, weights, least, most };
}

// Where a shift by so many cells begins, and the weights of four cells: Lagrange's, exact for cubics.
function shiftBy(cells) {
  const whole = Math.floor(cells), f = cells - whole;
  const weights = [-f * (f - 1) * (f - 2) / 6, (f + 1) * (f - 1) * (f - 2) / 2, -(f + 1) * f * (f - 2) / 2, (f + 1) * f * (f - 1) / 6];
  return { first: whole - 1, weights };
}

// row(at) ← kept · row(at) + factor · row(from) shifted; a row has `cells` cells.
function mix(law, at, from, cells, { first, weights }, kept, factor) {
  const [a, b, c, d] = weights.map((weight) => factor * weight), start = Math.max(first + 3, 0), end = Math.min(cells, cells + first);
  for (let i = at; i < at + cells; i++) law[i] *= kept;
  for (let i = start, k = from + start - first; i < end; i++, k++) {
    law[at + i] += a * law[k] + b * law[k - 1] + c * law[k - 2] + d * law[k - 3];
  }
}

// Every example is taken with the chance picks/n, and those cases are kept in which `picks` were.
function sumOfDistinct(shifts, picks, cells, half) {
  const chance = picks / shifts.length, law = new Float64Array((picks + 1) * cells);
  law[half] = 1;
  shifts.forEach((shift, j) => {
    const fewest = picks - (shifts.length - 1 - j); // with fewer by now there are too few at the end
    for (let count = Math.min(j + 1, picks); count >= Math.max(fewest, 1); count--) {
      mix(law, count * cells, (count - 1) * cells, cells, shift, 1 - chance, chance);
    }
    for (let i = 0; i < cells; i++) law[i] *= 1 - chance;
  });
  return law.subarray(picks * cells);
}

// The law of one example, so often convolved with itself.
function sumOfIndependent(shifts, picks, cells, half) {
  const both = new Float64Array(2 * cells);
  both[half] = 1;
  for (const shift of shifts) mix(both, cells, 0, cells, shift, 1, 1 / shifts.length);
  const one = both.subarray(cells);
  let law = one;
  for (let pick = 1; pick < picks; pick++) {
    const next = new Float64Array(cells);
    one.forEach((weight, j) => {
      if (weight) for (let i = Math.max(0, half - j), end = Math.min(cells, cells + half - j); i < end; i++) next[i + j - half] += weight * law[i];
    });
    law = next;
  }
  return law;
}
