// The words of SGD as numbers of a program: what sgdsde.requests does for simulate_sde and simulate_sgd.

const ofN = (n, b) => 1 / b - 1 / n;
const BATCH_NOISE = {
  with_replacement: (n, b) => (n - 1) / (n * b),
  without_replacement: ofN,
  reshuffle: ofN,
  shuffle_once: ofN,
};
const PERMUTED = ["reshuffle", "shuffle_once"];

// Time of an update, temperature T and friction of an SDE, by its equation (sgdsde.clock).
const CLOCKS = {
  overdamped: (lr, c, m) => ({ update: lr / (1 - m), temperature: (lr * c) / (1 - m), friction: 1 }),
  momentum: (lr, c, m) => ({
    update: Math.sqrt(lr), temperature: (lr * c) / (1 - m), friction: (1 - m) / Math.sqrt(lr),
  }),
  rmsprop: (lr, c) => ({ update: 1, temperature: lr * c, friction: 1 }),
  adam: (lr, c) => ({ update: 1, temperature: lr * c, friction: 1 }),
};

// The driver that stands for the batches, where none is chosen; only new permutations have epochs of their own.
function driverOf(s) {
  const bridged = s.sampling === "reshuffle" && s.driver !== "brownian" && s.N % s.B === 0;
  return bridged ? "epoched" : "brownian";
}

function noiseOf(s, driver) {
  return driver === "epoched" ? 1 / s.B : BATCH_NOISE[s.sampling](s.N, s.B);
}

// Momentum as a program takes it: 0 for those that have none.
const momentumOf = (program, s) => (program.takes ? s.m : 0);

// The largest share of an update's error: as substeps="auto" of simulate_sde for Euler and Maruyama's method.
function automaticSubsteps(program, s, curvature, driver) {
  const numbers = hyperparametersOf(program, s);
  if (program.equation === "rmsprop" || program.equation === "adam") {
    const forgets = ["alpha", "beta1", "beta2"].filter((name) => name in numbers).map((name) => 1 - numbers[name]);
    return Math.max(1, Math.ceil(Math.max(...forgets) / 0.02));
  }
  const h = Math.abs(curvature) || 0, m = momentumOf(program, s);
  if (program.equation === "momentum") return Math.min(256, Math.max(1, Math.ceil(4 * Math.sqrt(h * s.lr))));
  const target = driver === "epoched" ? 0.005 : 0.01;
  const wished = Math.ceil((h * (s.lr / (1 - m)) * (1 + target)) / (2 * target) - 1e-9);
  return Math.min(256, Math.max(1, wished));
}

function hyperparametersOf(program, s) {
  const found = {};
  for (const [name, [value]] of Object.entries(program.numbers)) found[name] = name in s.hyper ? s.hyper[name] : value;
  return found;
}

// keep, pull and share of each step of an epoch (sgdsde.drivers.bridge_numbers), for equal batches.
function bridgeNumbers(n, b, steps) {
  const whole = (n / b) * steps;
  return Array.from({ length: whole }, (_, k) => {
    const left = whole - k, share = Math.sqrt(1 / whole);
    return { keep: Math.sqrt((left - 1) / left), pull: (share * whole) / left, share };
  });
}

// The rows of constants of a program, one for each step of a period.
function constantsOf(program, scene, s, numbers, bridge) {
  const given = { rounding: 2 ** -52, momentum: 0, ...numbers };
  for (const [name, value] of Object.entries(hyperparametersOf(program, s))) given[`h_${name}`] = value;
  const values = { ...s.parameters, ...scene.ends };
  program.parameters.forEach((name, i) => { given[`p${i}`] = values[name]; });
  return (bridge || [{}]).map((of) => program.code.constants({ ...given, ...of }));
}

// z and uniform numbers, batches and second batches: what a program draws, in its order.
function sourcesOf(program, s, table) {
  const made = {
    z: (numbers) => new Gaussian(numbers, STREAM.normal, s.seed, s.paths),
    uniform: (numbers) => new Uniform(numbers, STREAM.uniform, s.seed, s.paths),
    batch: () => new Batches(table, s.B, s.sampling, STREAM.batch, "other" in program.draws, s.seed, s.paths),
    other: () => new Batches(table, s.B, s.sampling, STREAM.other, true, s.seed, s.paths),
  };
  return Object.entries(program.draws).map(([name, numbers]) => made[name](numbers));
}

// The state (S, paths) at the start: ω at w0, and 0 but for an average of squares that is not corrected for that.
function startOf(program, scene, s, c) {
  const start = Array.from({ length: program.state }, () => new Float64Array(s.paths));
  s.w0.forEach((x, i) => start[i].fill(x));
  if (program.equation === "rmsprop") {
    const of = evaluator(scene, s), d = s.w0.length, gradient = of.gradient(s.w0), noise = of.noise_covariance(s.w0);
    for (let i = 0; i < d; i++) start[d + i].fill(gradient[i] ** 2 + c * noise[i * d + i]);
  }
  return start;
}

// The SDE as a run; exits are counted inside its steps where there is a place to leave by.
function sdeRun(scene, s, curvature) {
  const bridged = driverOf(s) === "epoched" && `${s.sde} epoched` in scene.programs, own = s.sde + (bridged ? " epoched" : "");
  const exits = scene.leaves && scene.programs[`${own} exits`];
  const program = exits || scene.programs[own];
  const used = bridged ? "epoched" : "brownian";
  const c = noiseOf(s, used), m = momentumOf(program, s);
  const substeps = s.l || automaticSubsteps(program, s, curvature, used);
  const clock = CLOCKS[program.equation](s.lr, c, m);
  const numbers = {
    dt: clock.update / substeps, temperature: clock.temperature, friction: clock.friction, learning_rate: s.lr,
    batch_noise: c,
  };
  const bridge = used === "epoched" ? bridgeNumbers(s.N, s.B, substeps) : null;
  const run = new Run({
    program: program.code, substeps, rows: constantsOf(program, scene, s, numbers, bridge),
    sources: sourcesOf(program, s, null), start: startOf(program, scene, s, c),
  });
  return Object.assign(run, { told: { name: s.sde, driver: used, ...clock, c, m, substeps, exits: Boolean(exits) } });
}

// A rule with its noise as a run.
function sgdRun(scene, s, table) {
  const driver = s.dynamics === "noisy_gd" ? driverOf(s) : "brownian";
  const program = scene.programs[s.dynamics + (driver === "epoched" ? " epoched" : "")];
  const substeps = s.dynamics === "svag" ? SVAG : 1;
  const c = noiseOf(s, driver), m = momentumOf(program, s);
  const numbers = {
    learning_rate: s.lr / substeps, momentum: m, batch_noise: c, spread: Math.sqrt(2 * substeps - 1),
  };
  const bridge = driver === "epoched" ? bridgeNumbers(s.N, s.B, 1) : null;
  const run = new Run({
    program: program.code, substeps, rows: constantsOf(program, scene, s, numbers, bridge), sources: sourcesOf(program, s, table), start: startOf(program, scene, s, c),
  });
  return Object.assign(run, { told: { name: s.dynamics, driver: "batches", c, m, substeps, exits: false } });
}

// SVAG(l): so many steps stand for an update.
const SVAG = 4;

// Loss, gradient, Hessian and F of a scene at a point, as flat arrays.
function evaluator(scene, s) {
  const given = {};
  scene.parameters.forEach(({ name }, i) => { given[`p${i}`] = s.parameters[name]; });
  const found = {};
  for (const [name, formula] of Object.entries(scene.formulas)) {
    const constants = formula.constants(given);
    found[name] = (w) => formula.at(constants, w);
  }
  return found;
}
