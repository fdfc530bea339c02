// Sliders and choices, made from tables; each tells `changed` what is wished.

const WORDS = {
  with_replacement: "with replacement", without_replacement: "without replacement", reshuffle: "reshuffled", shuffle_once: "shuffled once",
  own: "the sampling’s own", brownian: "Brownian motion", epoched: "epoched Brownian motion", rademacher: "signs", "student_t:5": "Student t, 5",
  "student_t:3": "Student t, 3", sde: "SDE", momentum_sde: "SDE with momentum", rmsprop_sde: "SDE of RMSprop", adam_sde: "SDE of Adam",
  sgd: "SGD", nesterov: "Nesterov", rmsprop: "RMSprop", adam: "Adam", adamw: "AdamW", signsgd: "signSGD", lion: "Lion",
  noisy_gd: "noisy gradient descent", svag: "SVAG(4)",
};
const inWords = (value) => WORDS[value] || String(value);

function make(tag, properties = {}, ...children) {
  const found = Object.assign(document.createElement(tag), properties);
  found.append(...children);
  return found;
}

let made = 0;

function labelled(title, input, ...more) {
  input.id ||= `control-${made++}`;
  return make("div", { className: "control" }, make("label", { htmlFor: input.id, textContent: title }), input, ...more);
}

// A slider over a list of values, or over an interval, by `places` = {count, at(i), of(value)}.
function slider(name, title, places, show, wish) {
  const input = make("input", { type: "range", min: 0, max: places.count - 1, step: 1, name });
  const output = make("output", {});
  output.htmlFor = input.id = `control-${made++}`;
  input.addEventListener("input", () => wish(places.at(Number(input.value))));
  const control = labelled(title, input, output);
  return {
    control,
    set(value) {
      input.value = places.of(value);
      output.textContent = show(value);
      input.setAttribute("aria-valuetext", show(value));
    },
    places(next) {
      Object.assign(places, next);
      input.max = places.count - 1;
    },
  };
}

const fromList = (list) => ({
  count: list.length,
  at: (i) => list[i],
  of: (value) => list.reduce((best, x, i) => (Math.abs(x - value) < Math.abs(list[best] - value) ? i : best), 0),
});

const STEPS = 200;
const fromInterval = (low, high) => ({
  count: STEPS + 1,
  at: (i) => (i === 0 ? low : i === STEPS ? high : Number((low + ((high - low) * i) / STEPS).toPrecision(3))),
  of: (value) => Math.round(((value - low) / (high - low || 1)) * STEPS),
});

// Equal ratios: a hundred for each power of ten.
const RATIOS = {
  count: Math.round(Math.log10(RATE[1] / RATE[0]) * 100) + 1,
  at: (i) => Number(Math.min(RATE[0] * 10 ** (i / 100), RATE[1]).toPrecision(3)),
  of: (value) => Math.round(Math.log10(value / RATE[0]) * 100),
};

function select(name, title, values, wish, words = inWords) {
  const input = make("select", { name });
  for (const value of values) input.append(make("option", { value, textContent: words(value) }));
  input.addEventListener("change", () => wish(input.value));
  return { control: labelled(title, input), set: (value) => { input.value = value; } };
}

function numberBox(name, title, options, wish) {
  const input = make("input", { type: "number", step: "any", name, ...options });
  input.addEventListener("change", () => { if (input.value !== "" && input.checkValidity()) wish(Number(input.value)); });
  return { control: labelled(title, input), set: (value) => { if (document.activeElement !== input) input.value = value; } };
}

function tick(name, title, wish) {
  const input = make("input", { type: "checkbox", name, id: `control-${made++}` });
  input.addEventListener("change", () => wish(input.checked ? 1 : 0));
  const control = make("div", { className: "control tick" }, input, make("label", { htmlFor: input.id, textContent: title }));
  return { control, set: (value) => { input.checked = Boolean(value); } };
}

// All controls of a scene; `wish` takes names of settings as links have them.
function buildControls(scene, s, wish) {
  const to = (name) => (value) => wish({ [name]: value }), short3 = (x) => plain(Number(x.toPrecision(4)));
  const parts = { landscape: {}, config: {}, dynamics: {}, run: {} };
  const titleOf = (name) => (SCENES[name].title === name ? name.replaceAll("_", " ") : `yours: ${short(SCENES[name].title)}`);
  parts.landscape.scene = select("scene", "Loss", Object.keys(SCENES), to("scene"), titleOf);
  for (const { name, range } of scene.parameters) {
    parts.landscape[`p.${name}`] = slider(`p.${name}`, name, fromInterval(...range), short3, to(`p.${name}`));
  }
  scene.variables.forEach((variable, i) => {
    const [min, max] = scene.box[i];
    parts.landscape[`w${i}`] = numberBox(`w${i}`, `Start, ${short(variable)}`, { min, max }, to(`w${i}`));
  });
  parts.config.lr = slider("lr", "Learning rate ε", RATIOS, short3, to("lr"));
  parts.config.B = slider("B", "Batch size B", fromList(batchSizes(s)), String, to("B"));
  parts.config.N = slider("N", "Examples N", fromList(CHOICES.N), String, to("N"));
  parts.config.m = slider("m", "Momentum m", fromList(CHOICES.m), short3, to("m"));
  parts.config.hold = tick("hold", "Hold g: ε follows B, N and m", to("hold"));
  parts.config.sampling = select("sampling", "Batches", CHOICES.sampling, to("sampling"));
  parts.config.examples = select("examples", "Examples’ law", CHOICES.examples, to("examples"));
  parts.dynamics.dynamics = select("dynamics", "Rule", CHOICES.dynamics, to("dynamics"));
  parts.dynamics.sde = select("sde", "SDE", CHOICES.sde, to("sde"));
  const drivers = CHOICES.driver.filter((each) => each !== "epoched" || s.sampling === "reshuffle");
  parts.dynamics.driver = select("driver", "Driver", drivers, to("driver"));
  parts.dynamics.l = select("l", "SDE’s steps", CHOICES.l, to("l"), (l) => (Number(l) ? `${l} an update` : "for errors of 1 %"));
  const numbers = { ...scene.programs[s.sde].numbers, ...scene.programs[s.dynamics].numbers };
  for (const [name, [value, low, high]] of Object.entries(numbers)) {
    parts.dynamics[`h.${name}`] = numberBox(`h.${name}`, name, { min: low, max: high, placeholder: value }, to(`h.${name}`));
  }
  parts.run.paths = select("paths", "Paths", CHOICES.paths, to("paths"), String);
  parts.run.seed = numberBox("seed", "Seed", { min: 0, max: LARGEST_SEED, step: 1 }, to("seed"));
  return parts;
}
