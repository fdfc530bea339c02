// The mean of a batch of B of N examples, each a vector of k numbers, as sgdsde.engines.noise.ExampleBatches has it.

class Batches {
  // table: k arrays of N numbers. `apart`: each step has draws of its own.
  constructor(table, size, sampling, stream, apart, seed, paths) {
    const n = table[0].length, left = sampling === "without_replacement" ? Math.min(size, n - size) : size;
    const repeated = sampling === "shuffle_once";
    Object.assign(this, { table, size, stream, seed, paths, n, picks: left, repeated });
    this.pick = PICKS[sampling];
    [this.steps, this.draws] = repeated ? layout(1) : apart ? [1, Math.ceil(left / 4)] : layout(left);
    this.weight = (left === size ? 1 : -1) / size;
    this.group = -1;
    this.words = new Uint32Array(4 * this.draws * paths);
    this.chosen = new Uint32Array(Math.max(left, 1) * paths);
    this.order = this.pick === permuted ? new Uint32Array(n * paths) : null;
    this.rows = table.map(() => new Float64Array(paths));
  }

  fill(step) {
    const { picks, paths, chosen, weight } = this;
    if (picks) this.pick(this, step);
    this.table.forEach((column, k) => {
      const row = this.rows[k];
      row.fill(0);
      for (let pick = 0; pick < picks; pick++) {
        const at = pick * paths;
        for (let path = 0; path < paths; path++) row[path] += column[chosen[at + path]];
      }
      for (let path = 0; path < paths; path++) row[path] *= weight;
    });
  }

  // Row of the words for pick i of a step; of a repeated permutation for place i of it.
  wordsOf(step, i) {
    const own = this.repeated ? i : (step % this.steps) * this.picks + i;
    const group = this.repeated ? Math.floor(i / 4) : Math.floor(step / this.steps);
    if (group !== this.group) {
      fillWords(this.words, this.seed, this.stream, group, this.draws, this.paths);
      this.group = group;
    }
    return (this.repeated ? own % 4 : own) * this.paths;
  }
}

// ⌊word · bound / 2³²⌋; exact, since bounds are below 2²¹.
function below(word, bound) {
  return Math.floor(word * bound / 4294967296);
}

function independent(of, step) {
  const { picks, paths, chosen, n } = of;
  for (let pick = 0; pick < picks; pick++) {
    const from = of.wordsOf(step, pick), at = pick * paths;
    for (let path = 0; path < paths; path++) chosen[at + path] = below(of.words[from + path], n);
  }
}

// Floyd: for j = N − B … N − 1 pick t ≤ j, or j itself when t is already in the batch (Bentley & Floyd 1987).
function distinct(of, step) {
  const { picks, paths, chosen, n } = of;
  for (let pick = 0; pick < picks; pick++) {
    const from = of.wordsOf(step, pick), at = pick * paths, last = n - picks + pick;
    for (let path = 0; path < paths; path++) {
      const t = below(of.words[from + path], last + 1);
      let repeated = false;
      for (let other = path; other < at; other += paths) repeated ||= chosen[other] === t;
      chosen[at + path] = repeated ? last : t;
    }
  }
}

// Fisher–Yates from the identity at each epoch's start; a batch settles the next B places. Steps follow each other.
function permuted(of, step) {
  const { picks, paths, chosen, order, n } = of;
  const first = (step % Math.floor(n / picks)) * picks;
  if (first === 0) {
    for (let place = 0; place < n; place++) order.fill(place, place * paths, (place + 1) * paths);
  }
  for (let pick = 0; pick < picks; pick++) {
    const place = first + pick, from = of.wordsOf(step, of.repeated ? place : pick);
    for (let path = 0; path < paths; path++) {
      const here = place * paths + path;
      const there = (place + below(of.words[from + path], n - place)) * paths + path;
      const taken = order[there];
      order[there] = order[here];
      order[here] = chosen[pick * paths + path] = taken;
    }
  }
}

const PICKS = {
  with_replacement: independent,
  without_replacement: distinct,
  reshuffle: permuted,
  shuffle_once: permuted,
};
