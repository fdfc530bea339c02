// Both runs of a scene with settings, what is measured of them and what theory says: all that a page shows.

const TABLE_POINTS = 240, MEASURE_AFTER = 5, LONGEST_WAIT = 2000;

class World {
  constructor(scenes, settings) {
    const scene = scenes[settings.scene], of = evaluator(scene, settings), { box } = scene;
    const basins = basinsOf(of, box), d = box.length;
    Object.assign(this, { s: settings, of, basins, d, update: 0 });
    this.minimum = minimumFrom(of, settings.w0);
    this.curvature = Math.max(...eigen(of.hessian(this.minimum || settings.w0)).values);
    const home = basins.basin(...settings.w0), ends = [basins.barriers[home - 1], basins.barriers[home]];
    const leaves = d === 1 && ends.some((x) => x !== undefined)
      ? [ends[0] === undefined ? -1e6 : ends[0], ends[1] === undefined ? 1e6 : ends[1]] : null;
    const names = scene.leave || [];
    this.scene = { ...scene, leaves, ends: leaves ? { [names[0]]: leaves[0], [names[1]]: leaves[1] } : {} };
    const table = whitenedExamples(settings.examples, settings.N, scene.noiseDimension, settings.seed);
    this.sde = sdeRun(this.scene, settings, this.curvature);
    this.sgd = sgdRun(this.scene, settings, table);
    this.sides = [this.sde, this.sgd].map((run) => new Measured(run, this.scene, basins));
    this.waits = this.relaxation();
    this.theory = this.exact(table);
  }

  // One update of SGD, and as much time of the SDE.
  advance() {
    for (const side of this.sides) {
      for (let step = 0; step < side.run.substeps; step++) {
        side.run.advance();
        if (side.run.told.exits || step === side.run.substeps - 1) side.watchExits();
      }
      if (this.update <= this.waits) side.forget(); // until measuring begins, this moment alone
      side.observe();
    }
    this.update++;
  }

  forget() {
    this.waits = this.update;
    this.sides.forEach((side) => side.forget());
  }

  // Updates before measuring begins: a few times what the SDE near the minimum takes to forget its start.
  relaxation() {
    const least = this.minimum && Math.min(...eigen(this.of.hessian(this.minimum)).values);
    const update = this.s.lr / (1 - (this.sgd.told.m || 0));
    return least > 0 ? Math.min(Math.ceil(MEASURE_AFTER / (least * update)), LONGEST_WAIT) : 100;
  }

  // Whether the loss is a parabola with constant noise, where theory is exact at any temperature.
  isLinear() {
    const at = this.scene.box.map(([low, high]) => [0.13, 0.5, 0.81].map((t) => low + t * (high - low)));
    const points = [0, 1, 2].map((k) => at.map((side, i) => side[(k + i) % 3]));
    const [first, ...others] = points.map((w) => [...this.of.hessian(w), ...this.of.noise_covariance(w)]);
    const size = Math.max(...first.map(Math.abs));
    return others.every((values) => values.every((x, i) => Math.abs(x - first[i]) <= 1e-9 * size));
  }

  // {variance, masses, exit} of each side, null where nothing is known; `near` says that a variance is of a minimum alone.
  // Those of SGD are of the examples in `table`. An exit is the first time over a barrier, in updates; Infinity for never.
  exact(table) {
    const { s, of, d, minimum, basins } = this, { box, leaves } = this.scene, plain = this.isLinear();
    const square = (flat) => Array.from({ length: d }, (_, i) => flat.slice(i * d, (i + 1) * d));
    const told = this.sde.told, c = this.sgd.told.c, heavy = ["sgd", "noisy_gd"].includes(s.dynamics);
    const sde = { masses: null, exit: null, variance: null, near: !plain }, sgd = { ...sde };
    if (minimum) {
      const h = of.hessian(minimum), f = square(of.noise_covariance(minimum));
      if (s.sde === "sde" || (s.sde === "momentum_sde" && d === 1 && told.driver === "brownian")) {
        sde.variance = sdeCovariance(h, f, s, { ...told, ...CLOCKS.overdamped(s.lr, told.c, told.m) });
      }
      if (heavy) sgd.variance = sgdCovariance(h, f, s, this.sgd.told.m);
    }
    const normal = s.dynamics === "noisy_gd", alone = heavy && !this.sgd.told.m && !PERMUTED.includes(s.sampling);
    if (d === 1) {
      const t = (s.lr * told.c) / (1 - told.m), ends = leaves && leaves.map((x, i) => (Math.abs(x) < 1e6 ? x : box[0][i]));
      const open = leaves && leaves.map((x) => Math.abs(x) >= 1e6);
      if (s.sde === "sde" && told.driver === "brownian" && t > 0) {
        sde.masses = sdeMasses(of, t, box[0], TABLE_POINTS);
        if (leaves) sde.exit = sdeExitTime(of, t, s.w0[0], ends, open) / told.update || null;
      }
      if (alone && c > 0 && table.length === 1) {
        const law = normal ? null : batchLaw(table[0], s.B, s.sampling);
        if (leaves) sgd.exit = sgdExitTime(of, s, c, law, s.w0[0], ends, open);
        // Where it never leaves there is a law for each start, and none of the whole line.
        if (sgd.exit !== Infinity) sgd.masses = sgdMasses(of, s, c, law, box[0], TABLE_POINTS);
      }
      for (const side of [sde, sgd]) {
        if (plain && !side.masses && side.variance) side.masses = normalMasses(minimum[0], side.variance[0][0], box[0]);
        if (!plain && side.masses) Object.assign(side, { variance: [[varianceOf(side.masses, box[0])]], near: false });
        if (side.masses) side.shares = sharesOf(side.masses, box[0], basins);
      }
    }
    return { sde, sgd };
  }

  // Mean of what a scene watches: measured of each side, and what theory says of the SDE now.
  watched() {
    const { watched } = this.scene;
    if (!watched) return null;
    const given = {}, { s } = this;
    this.scene.parameters.forEach(({ name }, i) => { given[`p${i}`] = s.parameters[name]; });
    const constants = watched.formula.constants(given), value = (...w) => watched.formula.at(constants, w)[0];
    const means = this.sides.map(({ run, paths }) => {
      const values = Array.from({ length: paths }, (_, p) => value(...run.state.slice(0, this.d).map((row) => row[p])));
      const mean = values.reduce((a, b) => a + b, 0) / paths;
      return { value: mean, error: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (paths - 1) / paths) };
    });
    const { told } = this.sde, known = s.sde === "sde" && told.driver === "brownian";
    const numbers = [value(...s.w0), told.temperature, told.update * this.update];
    const exact = known ? watched.mean.at(watched.mean.constants(given), numbers)[0] : null;
    return { name: watched.name, means, exact };
  }
}

function cellsOf(masses, [low, high]) {
  const width = (high - low) / masses.length;
  return masses.map((_, i) => low + (i + 0.5) * width);
}

function normalMasses(mean, variance, box) {
  const x = cellsOf(new Float64Array(TABLE_POINTS), box), width = (box[1] - box[0]) / TABLE_POINTS;
  const factor = width / Math.sqrt(2 * Math.PI * variance);
  return Float64Array.from(x, (at) => factor * Math.exp(-((at - mean) ** 2) / (2 * variance)));
}

function varianceOf(masses, box) {
  const x = cellsOf(masses, box), mean = masses.reduce((sum, p, i) => sum + p * x[i], 0);
  return masses.reduce((sum, p, i) => sum + p * (x[i] - mean) ** 2, 0);
}

function sharesOf(masses, box, basins) {
  const found = basins.minima.map(() => 0), x = cellsOf(masses, box);
  masses.forEach((p, i) => { if (found.length) found[basins.basin(x[i])] += p; });
  return found;
}
