// Two dimensions: lines of equal loss and a cloud, as points of an image.

const BANDS = 16;

class PlanePicture {
  constructor(canvas, name) {
    Object.assign(this, { canvas, name, drawn: "" });
  }

  prepare(world) {
    this.world = world;
    this.drawn = "";
  }

  // The background, once for a size and a light: bands of √(loss − least), which are equally wide in a bowl.
  background(context, width, height, fine, ink) {
    const { world } = this, [[x0, x1], [y0, y1]] = world.scene.box, n = 150, m = 150, loss = new Float64Array(n * m);
    for (let j = 0; j < m; j++) {
      for (let i = 0; i < n; i++) {
        loss[j * n + i] = world.of.loss([x0 + ((x1 - x0) * i) / (n - 1), y1 - ((y1 - y0) * j) / (m - 1)])[0];
      }
    }
    const finite = Array.from(loss).filter(Number.isFinite).sort((a, b) => a - b);
    const least = finite[0], range = finite[Math.floor(finite.length * 0.85)] - least || 1;
    const bands = loss.map((value) => (Number.isFinite(value) ? Math.sqrt(Math.max(value - least, 0) / range) * BANDS : 4 * BANDS));
    const image = context.createImageData(width, height), points = new Uint32Array(image.data.buffer);
    const [low, high, line] = [ink.low, ink.high, ink.loss].map(channels);
    const at = (px, py) => {
      const u = (px / width) * (n - 1), v = (py / height) * (m - 1), i = Math.min(Math.floor(u), n - 2), j = Math.min(Math.floor(v), m - 2);
      const a = u - i, b = v - j, k = j * n + i;
      return (bands[k] * (1 - a) + bands[k + 1] * a) * (1 - b) + (bands[k + n] * (1 - a) + bands[k + n + 1] * a) * b;
    };
    let above = new Int16Array(width + 1).fill(-1);
    for (let py = 0; py < height; py++) {
      const here = new Int16Array(width + 1);
      for (let px = 0; px < width; px++) {
        const value = at(px + 0.5, py + 0.5), band = Math.floor(value), share = Math.min(value / (1.3 * BANDS), 1);
        here[px] = band;
        const edge = (px && here[px - 1] !== band) || (above[px] >= 0 && above[px] !== band);
        points[py * width + px] = packed(low, high, share, edge ? line : null);
      }
      above = here;
    }
    context.putImageData(image, 0, 0);
    this.words(context, ink, width, height, fine);
    const whole = context.getImageData(0, 0, width, height), buffer = new Uint32Array(whole.data.buffer);
    return { image: whole, buffer, points: Uint32Array.from(buffer) };
  }

  draw(side, ink) {
    const { canvas, world, name } = this, key = () => `${canvas.width} ${canvas.height} ${ink.low}`;
    const { context, width, height, fine } = fitCanvas(canvas);
    if (this.drawn !== key()) {
      this.back = this.background(context, width, height, fine, ink);
      this.drawn = key();
    }
    const { image, buffer, points } = this.back, [[x0, x1], [y0, y1]] = world.scene.box;
    buffer.set(points);
    const colour = packed(channels(ink[name]), [0, 0, 0], 0, null), size = Math.round(1.5 * fine), [x, y] = side.run.state;
    const acrossScale = width / (x1 - x0), upScale = height / (y1 - y0);
    for (let p = 0; p < side.paths; p++) {
      const px = Math.floor((x[p] - x0) * acrossScale), py = Math.floor((y1 - y[p]) * upScale);
      if (!(px >= 0 && py >= 0 && px < width - size && py < height - size)) continue;
      for (let j = 0; j < size; j++) {
        for (let i = (py + j) * width + px, end = i + size; i < end; i++) buffer[i] = colour;
      }
    }
    context.putImageData(image, 0, 0);
    this.crosses(context, ink, width, height, fine);
  }

  words(context, ink, width, height, fine) {
    const { world } = this, [[x0, x1], [y0, y1]] = world.scene.box, [across, up] = world.scene.variables;
    context.fillStyle = ink.ink;
    context.font = `${12 * fine}px system-ui, sans-serif`;
    context.textAlign = "center";
    for (const tick of ticks(x0, x1).filter((each) => ((x1 - each) / (x1 - x0)) * width > 30 * fine)) context.fillText(plain(tick), ((tick - x0) / (x1 - x0)) * width, height - 6 * fine);
    context.fillText(short(across), width - 10 * fine, height - 6 * fine);
    context.textAlign = "left";
    for (const tick of ticks(y0, y1)) context.fillText(plain(tick), 5 * fine, height - ((tick - y0) / (y1 - y0)) * height + 4 * fine);
    context.fillText(short(up), 5 * fine, 14 * fine);
  }

  crosses(context, ink, width, height, fine) {
    const { world } = this, [[x0, x1], [y0, y1]] = world.scene.box;
    context.strokeStyle = ink.ink;
    context.lineWidth = 1.6 * fine;
    for (const [x, y] of world.basins.minima) {
      const px = ((x - x0) / (x1 - x0)) * width, py = ((y1 - y) / (y1 - y0)) * height, r = 5 * fine;
      strokeLine(context, [[px - r, py], [px + r, py]]);
      strokeLine(context, [[px, py - r], [px, py + r]]);
    }
  }
}

const short = (name) => (name.length > 12 ? `${name.slice(0, 11)}…` : name);

// #rrggbb as three numbers.
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

function packed(low, high, share, line) {
  const [r, g, b] = low.map((x, i) => {
    const mixed = x + share * (high[i] - x);
    return Math.round(line ? mixed + 0.45 * (line[i] - mixed) : mixed);
  });
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}
