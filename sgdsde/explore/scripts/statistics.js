// What is measured of a run while it goes, with errors over groups of paths; memory does not grow.

const GROUPS = 16, BINS = { 1: 60, 2: 24 };

class Measured {
  constructor(run, scene, basins) {
    const d = scene.box.length, { paths } = run;
    Object.assign(this, { run, scene, basins, d, paths, bins: BINS[d] });
    this.cells = (this.bins + 2) ** d;
    this.left = new Float64Array(paths).fill(NaN);
    this.home = basins.basin(...run.state.slice(0, d).map((row) => row[0]));
    this.forget();
  }

  // Begin the averages over time anew.
  forget() {
    const { d } = this, wells = this.basins.minima.length;
    this.count = 0;
    this.first = Array.from({ length: GROUPS }, () => new Float64Array(d));
    this.second = Array.from({ length: GROUPS }, () => new Float64Array(d));
    this.number = new Float64Array(GROUPS);
    this.inside = Array.from({ length: GROUPS }, () => new Float64Array(wells));
    this.histogram = Array.from({ length: GROUPS }, () => new Float64Array(this.cells));
  }

  // Which paths have left, after a step; the time is in updates.
  watchExits() {
    const { left, paths, run, basins, scene } = this, now = run.step / run.substeps, [x, y] = run.state;
    if (run.told.exits) {
      const [below, above] = run.margins;
      for (let p = 0; p < paths; p++) if (left[p] !== left[p] && (below[p] > 0 || above[p] > 0)) left[p] = now;
    } else if (scene.leaves) {
      const [low, high] = scene.leaves;
      for (let p = 0; p < paths; p++) if (left[p] !== left[p] && (x[p] < low || x[p] > high)) left[p] = now;
    } else if (this.d === 2 && basins.minima.length > 1) {
      for (let p = 0; p < paths; p++) if (left[p] !== left[p] && basins.basin(x[p], y[p]) !== this.home) left[p] = now;
    }
  }

  // Add the states of an update to the averages.
  observe() {
    const { d, paths, run, scene, bins, basins } = this, [x, y] = run.state, wells = basins.minima.length > 1;
    const [low, high] = scene.box[0], scale = bins / (high - low);
    const [low1, high1] = scene.box[d - 1], scale1 = bins / (high1 - low1);
    this.count++;
    for (let g = 0; g < GROUPS; g++) {
      const from = Math.floor((g * paths) / GROUPS), to = Math.floor(((g + 1) * paths) / GROUPS);
      const first = this.first[g], second = this.second[g], inside = this.inside[g], histogram = this.histogram[g];
      for (let p = from; p < to; p++) {
        const a = x[p], b = d === 2 ? y[p] : 0;
        if (!(Math.abs(a) < 1e150 && Math.abs(b) < 1e150)) continue;
        this.number[g]++;
        first[0] += a;
        second[0] += a * a;
        let cell = Math.min(Math.max(Math.floor((a - low) * scale), -1), bins) + 1;
        if (d === 2) {
          first[1] += b;
          second[1] += b * b;
          cell = cell * (bins + 2) + Math.min(Math.max(Math.floor((b - low1) * scale1), -1), bins) + 1;
        }
        histogram[cell]++;
        if (wells) {
          const well = d === 2 ? basins.basin(a, b) : basins.basin(a);
          if (well >= 0) inside[well]++;
        }
      }
    }
  }

  get diverged() {
    const { d, run, paths } = this;
    let found = 0;
    for (let p = 0; p < paths; p++) if (!(Math.abs(run.state[0][p]) < 1e150 && Math.abs(run.state[d - 1][p]) < 1e150)) found++;
    return found;
  }

  // {value, error} of the variance of a component, over time and paths.
  variance(i) {
    const total = (rows) => rows.reduce((sum, row) => sum + row[i], 0), n = this.number.reduce((a, b) => a + b, 0);
    const mean = total(this.first) / n;
    const own = this.second.map((row, g) => (row[i] - 2 * mean * this.first[g][i]) / this.number[g] + mean * mean);
    return overGroups(own);
  }

  // {value, error} of the share of time in a minimum.
  share(well) {
    return overGroups(this.inside.map((row, g) => row[well] / this.number[g]));
  }

  // Paths that have left, and the mean time: of all when all have, else all time spent inside over those that left.
  exits() {
    const now = this.run.step / this.run.substeps;
    let out = 0, inside = 0;
    for (const time of this.left) {
      if (time === time) out++;
      inside += time === time ? time : now;
    }
    return { out, value: out ? inside / out : NaN, error: out > 1 ? inside / out / Math.sqrt(out) : NaN };
  }

  // Shares of the cells of the histogram, of some groups.
  shares(groups) {
    const found = new Float64Array(this.cells);
    for (const g of groups) this.histogram[g].forEach((count, cell) => { found[cell] += count; });
    const total = found.reduce((a, b) => a + b, 0);
    return found.map((count) => count / total);
  }
}

function overGroups(values) {
  const n = values.length, mean = values.reduce((a, b) => a + b, 0) / n;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { value: mean, error: Math.sqrt(squares / (n - 1) / n) };
}

const ALL = Array.from({ length: GROUPS }, (_, g) => g);
const totalVariation = (p, q) => p.reduce((sum, x, i) => sum + Math.abs(x - q[i]), 0) / 2;

// Total variation between two histograms: value, jackknife error over groups, and what noise alone makes.
function distanceOf(one, other) {
  const without = ALL.map((g) => {
    const rest = ALL.filter((each) => each !== g);
    return totalVariation(one.shares(rest), other.shares(rest));
  });
  const value = totalVariation(one.shares(ALL), other.shares(ALL)), { error } = overGroups(without);
  const even = ALL.filter((g) => g % 2 === 0), odd = ALL.filter((g) => g % 2);
  const noise = [one, other].map((of) => totalVariation(of.shares(even), of.shares(odd)));
  return { value, error: error * (GROUPS - 1), noise: (noise[0] + noise[1]) / 2 / Math.SQRT2 };
}
