// The page: runs a world, draws it, and keeps the address true.

const at = (id) => document.getElementById(id);
const SLICE = 14, TABLE_EVERY = 300, SPOKEN_EVERY = 8000;
const page = { world: null, playing: false, speed: 60, owed: 0, last: 0, table: 0, spoken: 0, target: null, parts: {}, controls: "" };

function begin(settings, target = null, since = null) {
  page.world = new World(SCENES, settings);
  if (since !== null) page.world.waits = since;
  page.target = target;
  page.owed = 0;
  const scene = SCENES[settings.scene], Picture = scene.box.length === 1 ? LinePicture : PlanePicture;
  page.pictures = ["sde", "sgd"].map((name) => new Picture(emptied(at(`${name}-picture`)), name));
  page.pictures.forEach((picture) => picture.prepare(page.world));
  showSettings(scene, settings);
  at("sde-title").textContent = `${inWords(settings.sde)}${page.world.sde.told.driver === "epoched" ? ", epoched" : ""}`;
  at("sgd-title").textContent = `${inWords(settings.dynamics)}, ${inWords(settings.sampling)}`;
  at("legend").textContent = scene.box.length === 1
    ? "Above, paths on the loss; below, where they were over time (bars), with the law of this side (line) and of the other "
      + `(dashes). ${page.world.scene.leaves ? "Upright dashes: the barrier, over which a path has left. " : ""}Click to start there.`
    : "Lines of equal loss, and all paths; crosses are minima. Click to start there.";
  const preset = PRESETS.find((each) => each.name === page.preset);
  at("story").textContent = preset ? preset.text : scene.description;
  for (const button of at("presets").children) button.setAttribute("aria-pressed", String(button.value === page.preset));
  show(true);
  writeLink();
}

// Controls are made anew when what there is to choose changes, and keep the focus.
function showSettings(scene, s) {
  const key = JSON.stringify([s.scene, s.sampling, s.N, s.dynamics, s.sde]);
  if (key !== page.controls) {
    const focused = document.activeElement && document.activeElement.name;
    page.parts = buildControls(scene, s, wish);
    for (const [room, parts] of Object.entries(page.parts)) {
      const fieldset = at(`of-${room}`);
      fieldset.replaceChildren(fieldset.firstElementChild, ...Object.values(parts).map((part) => part.control));
    }
    at("of-landscape").append(make("p", { className: "formula", textContent: scene.texts.join("\n") }));
    page.controls = key;
    if (focused && at("settings").elements[focused]) at("settings").elements[focused].focus();
  }
  const values = { ...s, ...prefixed("p", s.parameters) };
  const numbers = { ...scene.programs[s.sde].numbers, ...scene.programs[s.dynamics].numbers };
  for (const [name, [usual]] of Object.entries(numbers)) values[`h.${name}`] = name in s.hyper ? s.hyper[name] : usual;
  s.w0.forEach((value, i) => { values[`w${i}`] = value; });
  for (const parts of Object.values(page.parts)) for (const [name, part] of Object.entries(parts)) part.set(values[name]);
}

const prefixed = (letter, of) => Object.fromEntries(Object.entries(of).map(([name, value]) => [`${letter}.${name}`, value]));

// Some settings are wished otherwise: the run begins anew, so that a link always shows the same picture.
function wish(changes) {
  const { s } = page.world;
  if (changes.scene) {
    page.preset = null;
    begin(settingsOf(changes.scene, { seed: s.seed }));
    return;
  }
  const now = { ...s, ...prefixed("p", s.parameters), ...prefixed("h", s.hyper) };
  s.w0.forEach((value, i) => { now[`w${i}`] = value; });
  const next = settingsOf(s.scene, { ...now, ...changes });
  const moves = ["B", "N", "m", "sampling"].some((name) => name in changes);
  if (next.hold && moves) next.lr = rateFor(scaleOf(s), next);
  begin(next);
}

function writeLink() {
  const { s, update } = page.world, preset = page.preset ? `&preset=${page.preset}` : "";
  history.replaceState(null, "", `#${linkOf(s, page.playing ? 0 : update, page.world.waits)}${preset}`);
}

function openLink() {
  const text = location.hash.slice(1), preset = new URLSearchParams(text).get("preset"), { settings, update, since } = readLink(text);
  page.preset = PRESETS.some((each) => each.name === preset) ? preset : null;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  begin(settings, update, since);
  setPlaying(update === null && !calm);
}

function setPlaying(playing) {
  page.playing = playing;
  at("play").textContent = playing ? "Pause" : "Play";
  if (!playing) {
    show(true);
    speak();
  }
  writeLink();
}

// Draw; the table now and then, or at once.
function show(all) {
  const { world } = page, now = performance.now(), ink = colours();
  page.pictures.forEach((picture, k) => picture.draw(world.sides[k], ink));
  const { update, sde } = world, time = (update * world.s.lr) / (1 - (sde.told.m || 0));
  at("clock").textContent = `update ${update}, time s = ${plain(Number(time.toPrecision(4)))}`;
  if (!all && now - page.table < TABLE_EVERY) return;
  page.table = now;
  fillTable(at("numbers").tBodies[0], rowsOf(world));
  at("numbers").caption.textContent = captionOf(world);
  at("notes").textContent = notesOf(world);
}

// For screen readers, not too often: what the pictures and the table show.
function speak() {
  const { world } = page;
  page.spoken = performance.now();
  const cell = ([value, law], k, all) => `${all.length > 1 ? ["SDE ", "SGD "][k] : ""}${value}${law ? `, ${law}` : ""}`;
  const said = rowsOf(world).map(([title, ...cells]) => `${title}: ${cells.map(cell).join("; ")}`);
  at("status").textContent = `Update ${world.update}. ${said.join(". ")}.`;
  ["sde", "sgd"].forEach((name, k) => {
    const mean = world.scene.variables.map((variable, i) => `${variable} ${withError(world.sides[k].variance(i))}`).join(", ");
    const paths = `${world.s.paths} paths after ${world.update} updates; variance of ${mean}`;
    at(`${name}-picture`).setAttribute("aria-label", `${at(`${name}-title`).textContent}: ${paths}`);
  });
}

function frame(now) {
  const { world, target } = page, passed = Math.min(now - page.last, 250), until = performance.now() + SLICE;
  page.last = now;
  if (target !== null) {
    while (world.update < target && performance.now() < until) world.advance();
    if (world.update >= target) {
      page.target = null;
      setPlaying(false);
    } else show(false);
  } else if (page.playing) {
    page.owed = page.speed ? Math.min(page.owed + (passed * page.speed) / 1000, page.speed) : Infinity;
    while (page.owed >= 1 && performance.now() < until) {
      world.advance();
      page.owed--;
    }
    show(false);
    if (now - page.spoken > SPOKEN_EVERY) speak();
  }
  requestAnimationFrame(frame);
}

function startHere(event, canvas) {
  const { world } = page, box = canvas.getBoundingClientRect();
  const shares = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
  const found = {};
  world.scene.box.forEach(([low, high], i) => { found[`w${i}`] = Number((low + shares[i] * (high - low)).toPrecision(3)); });
  wish(found);
}

const ACTIONS = {
  play: () => setPlaying(!page.playing),
  step: () => {
    page.world.advance();
    setPlaying(false);
  },
  reset: () => begin(page.world.s),
  forget: () => {
    page.world.forget();
    writeLink();
  },
};
const KEYS = { " ": "play", s: "step", r: "reset", m: "forget" };

for (const [id, act] of Object.entries(ACTIONS)) at(id).addEventListener("click", act);
document.addEventListener("keydown", (event) => {
  // Space presses a button; letters are for boxes and lists.
  const taken = event.key === " " ? "input, select, button" : "input:not([type=range], [type=checkbox]), select";
  const busy = event.target.closest(taken), action = KEYS[event.key.toLowerCase()];
  if (!action || busy || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  ACTIONS[action]();
});
for (const name of ["sde", "sgd"]) at(`${name}-picture`).addEventListener("click", (event) => startHere(event, event.target));
for (const each of PRESETS.filter((preset) => Object.hasOwn(SCENES, preset.scene))) {
  const button = make("button", { type: "button", textContent: each.title, value: each.name });
  button.addEventListener("click", () => {
    page.preset = each.name;
    begin(settingsOf(each.scene, each.settings));
    setPlaying(true);
  });
  at("presets").append(button);
}
for (const speed of SPEEDS) at("speed").append(make("option", { value: speed, textContent: speed ? `${speed} a second` : "as fast as it goes" }));
at("speed").value = page.speed;
at("speed").addEventListener("change", () => { page.speed = Number(at("speed").value); });
at("settings").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", openLink);
window.addEventListener("resize", () => show(true));
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(true));
// For whoever wants to look closer from the console: the states (S, paths) of both sides, and how to go on.
window.sgdsde = {
  get world() { return page.world; },
  show,
  states: () => page.world.sides.map((side) => side.run.state.map((row) => Array.from(row))),
  advance: (updates) => {
    setPlaying(false);
    for (let k = 0; k < updates; k++) page.world.advance();
    show(true);
    writeLink();
  },
};
openLink();
requestAnimationFrame(frame);
