// Minima of a scene inside its box, the barriers between them, and the minimum that a point belongs to.

const LINE_POINTS = 1201, GRID = 97, FLAT = 1e-7;

// Newton's method downhill, from a point to a minimum that is curved in every direction, or null: where the loss only gets
// flatter on the way there is none.
function minimumFrom(of, start) {
  let w = start.slice();
  let steepest = 0;
  for (let k = 0; k < 200; k++) {
    const g = of.gradient(w), { values, vectors } = eigen(of.hessian(w));
    const largest = Math.max(...values.map(Math.abs));
    steepest ||= largest;
    const along = values.map((_, j) => w.reduce((sum, __, i) => sum + vectors[i][j] * g[i], 0));
    const push = along.map((a, j) => -a / Math.max(Math.abs(values[j]), 1e-6 * largest));
    const step = w.map((_, i) => vectors[i].reduce((sum, v, j) => sum + v * push[j], 0));
    let scale = 1;
    const here = of.loss(w)[0], at = (t) => w.map((x, i) => x + t * step[i]);
    while (scale > 1e-6 && !(of.loss(at(scale))[0] <= here)) scale /= 2;
    w = at(scale);
    if (Math.max(...step.map(Math.abs)) * scale < 1e-12 || scale <= 1e-6) break;
  }
  const { values } = eigen(of.hessian(w));
  const curved = Math.min(...values) > FLAT * Math.max(...values.map(Math.abs), steepest, 1e-300);
  return curved && w.every(Number.isFinite) ? w : null;
}

const inBox = (w, box) => w.every((x, i) => x >= box[i][0] && x <= box[i][1]);

function addMinimum(minima, found, box) {
  if (!found || !inBox(found, box)) return -1;
  const near = (w) => w.every((x, i) => Math.abs(x - found[i]) < 1e-3 * (box[i][1] - box[i][0]));
  const at = minima.findIndex(near);
  return at >= 0 ? at : minima.push(found) - 1;
}

// {minima, barriers, basin}: basin(w…) is the index of a minimum, or −1.
function basinsOf(of, box) {
  return box.length === 1 ? basinsOnLine(of, box) : basinsOnGrid(of, box);
}

function basinsOnLine(of, box) {
  const [low, high] = box[0], width = (high - low) / (LINE_POINTS - 1);
  const x = Array.from({ length: LINE_POINTS }, (_, i) => low + i * width), loss = x.map((at) => of.loss([at])[0]);
  const minima = [];
  for (let i = 1; i < LINE_POINTS - 1; i++) {
    if (loss[i] <= loss[i - 1] && loss[i] <= loss[i + 1]) addMinimum(minima, minimumFrom(of, [x[i]]), box);
  }
  minima.sort((a, b) => a[0] - b[0]);
  const barriers = minima.slice(1).map((right, k) => {
    const inside = x.map((at, i) => i).filter((i) => x[i] > minima[k][0] && x[i] < right[0]);
    let a = x[inside.reduce((best, i) => (loss[i] > loss[best] ? i : best), inside[0])] - width, b = a + 2 * width;
    for (let step = 0; step < 60; step++) {
      const middle = (a + b) / 2;
      if (of.gradient([middle])[0] > 0) a = middle;
      else b = middle;
    }
    return (a + b) / 2;
  });
  const basin = (at) => {
    if (!minima.length) return -1;
    let k = 0;
    while (k < barriers.length && at > barriers[k]) k++;
    return k;
  };
  return { minima, barriers, basin };
}

// Each cell of a grid goes down to the lowest of its neighbours, and the last one to its minimum.
function basinsOnGrid(of, box) {
  const n = GRID, width = box.map(([low, high]) => (high - low) / (n - 1));
  const point = (c) => [box[0][0] + (c % n) * width[0], box[1][0] + Math.floor(c / n) * width[1]];
  const loss = Float64Array.from({ length: n * n }, (_, c) => of.loss(point(c))[0]);
  const label = new Int8Array(n * n).fill(-2), minima = [], trail = [];
  for (let start = 0; start < n * n; start++) {
    let at = start;
    trail.length = 0;
    while (label[at] === -2) {
      trail.push(at);
      const lowest = lowestNeighbour(loss, at, n);
      if (lowest === at) {
        label[at] = addMinimum(minima, minimumFrom(of, point(at)), box);
        break;
      }
      at = lowest;
    }
    for (const cell of trail) label[cell] = label[at];
  }
  const basin = (x, y) => {
    const i = Math.round((x - box[0][0]) / width[0]), j = Math.round((y - box[1][0]) / width[1]);
    return i >= 0 && i < n && j >= 0 && j < n ? label[j * n + i] : -1;
  };
  return { minima, barriers: [], basin };
}

function lowestNeighbour(loss, at, n) {
  const column = at % n, row = Math.floor(at / n);
  let lowest = at;
  for (let j = Math.max(row - 1, 0); j <= Math.min(row + 1, n - 1); j++) {
    for (let i = Math.max(column - 1, 0); i <= Math.min(column + 1, n - 1); i++) {
      if (loss[j * n + i] < loss[lowest]) lowest = j * n + i;
    }
  }
  return lowest;
}
