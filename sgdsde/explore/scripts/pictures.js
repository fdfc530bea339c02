// One dimension: particles on the loss, and below them the histogram over time with both laws.

const SHOWN_BINS = BINS[1];

function colours() {
  const of = getComputedStyle(document.documentElement), names = ["ink", "soft", "line", "sde", "sgd", "loss", "low", "high", "panel"];
  return Object.fromEntries(names.map((name) => [name, of.getPropertyValue(`--${name}`).trim()]));
}

// A canvas as it was before anything was drawn: how browsers draw strokes depends on that, and a link shows the same picture.
function emptied(canvas) {
  return Object.assign(canvas, { width: 1 });
}

// A canvas of as many points as it has on the screen, at most twice as fine as CSS has them. It keeps the options of its
// first context, whichever picture asks for it first: pictures of planes are images, which are read.
function fitCanvas(canvas) {
  const fine = Math.min(window.devicePixelRatio || 1, 2), { clientWidth, clientHeight } = canvas;
  const width = Math.max(1, Math.round(clientWidth * fine)), height = Math.max(1, Math.round(clientHeight * fine));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  return { context: canvas.getContext("2d", { willReadFrequently: true }), width, height, fine };
}

// The same number in [0, 1) for a path at every time: where it is drawn above the curve.
const spreadOf = (path) => (path * 0.618033988749895) % 1;

class LinePicture {
  constructor(canvas, name) {
    Object.assign(this, { canvas, name });
  }

  prepare(world) {
    this.world = world;
    const [low, high] = world.scene.box[0];
    const x = Array.from({ length: 241 }, (_, i) => low + ((high - low) * i) / 240), loss = x.map((at) => world.of.loss([at])[0]);
    // Steep walls would flatten the wells: no higher above the barriers or the start than half of what is below these.
    const finite = loss.filter(Number.isFinite), least = Math.min(...finite), marks = [world.s.w0[0], ...world.basins.barriers];
    const top = Math.max(...marks.map((at) => world.of.loss([at])[0])) - least;
    const all = Math.max(...finite) - least;
    this.curve = { x, loss, least, range: Math.min(all, (top > 0.02 * all ? top : all / 3) * 2.2) || 1 };
  }

  draw(side, ink) {
    const { world, curve, canvas, name } = this, { context, width, height, fine } = fitCanvas(canvas);
    const [low, high] = world.scene.box[0], middle = height * 0.56, pad = 6 * fine, other = name === "sde" ? "sgd" : "sde";
    const across = (x) => ((x - low) / (high - low)) * width;
    const up = (loss) => middle - 14 * fine - ((loss - curve.least) / curve.range) * (middle - 34 * fine);
    context.clearRect(0, 0, width, height);
    this.axis(context, ink, across, height, fine, low, high);
    for (const barrier of world.scene.leaves || []) {
      context.strokeStyle = ink.line;
      context.lineWidth = fine;
      context.setLineDash([4 * fine, 4 * fine]);
      strokeLine(context, [[across(barrier), pad], [across(barrier), height - 20 * fine]]);
      context.setLineDash([]);
    }
    context.strokeStyle = ink.loss;
    context.lineWidth = 1.6 * fine;
    strokeLine(context, curve.x.map((x, i) => [across(x), Math.max(up(curve.loss[i]), -50)]));
    context.fillStyle = ink[name];
    context.globalAlpha = 0.5;
    const [x] = side.run.state, size = 1.7 * fine, drawn = Math.min(side.paths, 1024);
    for (let p = 0; p < drawn; p++) {
      if (!(x[p] >= low && x[p] <= high)) continue;
      const place = ((x[p] - low) / (high - low)) * 240, i = Math.min(Math.floor(place), 239), t = place - i;
      const loss = curve.loss[i] + t * (curve.loss[i + 1] - curve.loss[i]);
      context.fillRect(across(x[p]) - size / 2, up(loss) - 3 * fine - spreadOf(p) * 24 * fine, size, size);
    }
    context.globalAlpha = 1;
    this.histogram(context, side, ink, { across, middle, height, fine, low, high, width, other });
  }

  histogram(context, side, ink, { middle, height, fine, low, high, width, other }) {
    const { world, name } = this, { theory } = world, laws = [theory[name].masses, theory[other].masses];
    const floor = height - 20 * fine, tall = floor - middle - 16 * fine;
    const shares = side.shares(ALL).slice(1, SHOWN_BINS + 1);
    const scaled = laws.map((masses) => masses && masses.map((x) => (x * masses.length) / SHOWN_BINS));
    const most = Math.max(...shares, ...scaled.filter(Boolean).map((masses) => Math.max(...masses)));
    // In steps, so that the scale rests; of this moment alone, so that a link shows the same.
    const highest = most > 0 ? 1.25 ** Math.ceil(Math.log(most) / Math.log(1.25)) : 1;
    const up = (share) => floor - (share / highest) * tall;
    context.fillStyle = ink[name];
    context.globalAlpha = 0.35;
    shares.forEach((share, i) => {
      context.fillRect((i / SHOWN_BINS) * width, up(share), width / SHOWN_BINS - 1, floor - up(share));
    });
    context.globalAlpha = 1;
    scaled.forEach((masses, k) => {
      if (!masses) return;
      context.strokeStyle = ink[k ? other : name];
      context.lineWidth = (k ? 1.3 : 2.2) * fine;
      context.setLineDash(k ? [5 * fine, 4 * fine] : []);
      strokeLine(context, Array.from(masses, (share, i) => [((i + 0.5) / masses.length) * width, up(share)]));
    });
    context.setLineDash([]);
  }

  axis(context, ink, across, height, fine, low, high) {
    const floor = height - 20 * fine;
    context.strokeStyle = ink.line;
    context.lineWidth = fine;
    strokeLine(context, [[0, floor], [across(high), floor]]);
    context.fillStyle = ink.soft;
    context.font = `${12 * fine}px system-ui, sans-serif`;
    context.textAlign = "center";
    for (const tick of ticks(low, high).filter((each) => across(high) - across(each) > 30 * fine)) context.fillText(plain(tick), across(tick), height - 6 * fine);
    context.textAlign = "right";
    context.fillText(short(this.world.scene.variables[0]), across(high) - 6 * fine, height - 6 * fine);
  }
}

function strokeLine(context, points) {
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
}

// Round numbers inside an interval, three to seven of them, not at its ends.
function ticks(low, high) {
  const wide = high - low, power = 10 ** Math.floor(Math.log10(wide / 3));
  const step = [5, 2, 1].map((k) => k * power).find((each) => wide / each >= 3) || power, found = [];
  for (let k = Math.ceil((low + 0.05 * wide) / step); k * step < high - 0.05 * wide; k++) found.push(k * step);
  return found;
}

const power = (exponent) => `10${Array.from(String(exponent), (each) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[each] || "⁻").join("")}`;

// A number with six digits at most.
function plain(x) {
  const size = Math.floor(Math.log10(Math.abs(x)));
  if (Number.isFinite(size) && (size > 5 || size < -4)) return `${plain(x / 10 ** size)} × ${power(size)}`;
  return String(Number(x.toPrecision(6))).replace("-", "−");
}
