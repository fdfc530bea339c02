// Settings: what the address says, and what is not accepted from it. CHOICES, USUAL, RATE and LARGEST_SEED are
// those of sgdsde.explore.choices.

const COUNTS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024];
const SPEEDS = [1, 5, 20, 60, 120, 300, 0];
const MOST_UPDATES = 200000;

// All settings of a scene: its own, with those given where they are accepted, "p.name" of parameters, "h.name" of rules.
function settingsOf(sceneName, given = {}) {
  const scene = SCENES[sceneName], wished = { ...USUAL, ...scene.settings, ...given };
  const s = { scene: sceneName, hyper: {}, parameters: {}, w0: [] };
  const number = (value, low, high, otherwise) => {
    const found = typeof value === "string" && value.trim() === "" ? NaN : Number(value);
    return Number.isFinite(found) && found >= low && found <= high ? found : otherwise;
  };
  for (const [name, known] of Object.entries(CHOICES)) {
    const of = typeof known[0] === "number" ? Number(wished[name]) : wished[name];
    s[name] = known.includes(of) ? of : { ...USUAL, ...scene.settings }[name];
  }
  s.lr = number(wished.lr, RATE[0], RATE[1], scene.settings.lr || USUAL.lr);
  s.B = Math.round(number(wished.B, 1, 1024, USUAL.B));
  s.seed = Math.round(number(wished.seed, 0, LARGEST_SEED, 0));
  scene.parameters.forEach(({ name, value, range }) => {
    s.parameters[name] = number(wished[`p.${name}`], range[0], range[1], value);
  });
  const numbers = { ...scene.programs[s.sde].numbers, ...scene.programs[s.dynamics].numbers };
  for (const [name, [, low, high]] of Object.entries(numbers)) {
    const found = number(wished[`h.${name}`], low, high, NaN);
    if (found === found && found < high) s.hyper[name] = found;
  }
  scene.variables.forEach((_, i) => {
    s.w0[i] = number(wished[`w${i}`], scene.box[i][0], scene.box[i][1], scene.w0[i]);
  });
  return fitted(s);
}

// Batches fit into the training set, and into epochs where there are some; a bridge needs epochs.
function fitted(s) {
  const possible = batchSizes(s), smaller = possible.filter((b) => b <= s.B);
  s.B = smaller.length ? smaller[smaller.length - 1] : possible[0];
  if (s.driver === "epoched" && s.sampling !== "reshuffle") s.driver = "own";
  return s;
}

function batchSizes(s) {
  return COUNTS.filter((b) => b <= s.N && !(PERMUTED.includes(s.sampling) && s.N % b));
}

// Noise scale g = ε N c/(1 − m), and the ε that has it.
const scaleOf = (s) => (s.lr * s.N * noiseOf(s, "brownian")) / (1 - s.m);

function rateFor(scale, s) {
  const c = noiseOf(s, "brownian"), found = (scale * (1 - s.m)) / (s.N * c);
  return c > 0 && found >= RATE[0] && found <= RATE[1] ? Number(found.toPrecision(6)) : s.lr;
}

// The address: what differs from what the scene begins with would not outlive a change of that, so all of it.
function linkOf(s, update, since) {
  const parts = { scene: s.scene };
  for (const name of Object.keys(USUAL)) parts[name] = s[name];
  for (const [name, value] of Object.entries(s.parameters)) parts[`p.${name}`] = value;
  for (const [name, value] of Object.entries(s.hyper)) parts[`h.${name}`] = value;
  s.w0.forEach((value, i) => { parts[`w${i}`] = value; });
  if (update) Object.assign(parts, { k: update, since });
  return new URLSearchParams(parts).toString();
}

// {settings, update, since} of an address: where the run is, and from when on it is measured; unknown names and values are left out.
function readLink(text) {
  const given = Object.fromEntries(new URLSearchParams(text));
  const scene = Object.hasOwn(SCENES, given.scene) ? given.scene : Object.keys(SCENES)[0];
  const whole = (value) => (/^\d{1,6}$/.test(value) && Number(value) <= MOST_UPDATES ? Number(value) : null);
  return {
    settings: settingsOf(scene, { ...(given.scene ? {} : FIRST), ...given }),
    update: whole(given.k),
    since: whole(given.since),
  };
}
