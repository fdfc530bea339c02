// The random numbers of numpy.random.default_rng(SeedSequence(…)), and the whitened examples that are made of them.

const MASK64 = (1n << 64n) - 1n, MASK128 = (1n << 128n) - 1n;

// O'Neill's seed_seq_fe, as NumPy has it: 8 words from a list of words.
function seedWords(entropy) {
  let constant = 0x43b0d7e5;
  const hashed = (value) => {
    value = (value ^ constant) >>> 0;
    constant = Math.imul(constant, 0x931e8875) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mixed = (x, y) => {
    const result = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (result ^ (result >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((i) => hashed(i < entropy.length ? entropy[i] : 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mixed(pool[to], hashed(pool[from]));
  }
  constant = 0x8b51f9dd;
  return Array.from({ length: 8 }, (_, i) => {
    let value = (pool[i % 4] ^ constant) >>> 0;
    constant = Math.imul(constant, 0x58f38ded) >>> 0;
    value = Math.imul(value, constant) >>> 0;
    return (value ^ (value >>> 16)) >>> 0;
  });
}

// PCG64 (XSL-RR 128/64).
class Generator {
  constructor(entropy) {
    const w = seedWords(entropy).map(BigInt);
    const [s0, s1, i0, i1] = [0, 2, 4, 6].map((k) => w[k] | (w[k + 1] << 32n));
    this.increment = ((((i0 << 64n) | i1) << 1n) | 1n) & MASK128;
    this.state = 0n;
    this.advance();
    this.state = (this.state + ((s0 << 64n) | s1)) & MASK128;
    this.advance();
    this.spare = null;
  }

  advance() {
    this.state = (this.state * 0x2360ed051fc65da44385df649fccf645n + this.increment) & MASK128;
  }

  word() {
    this.advance();
    const mixed = (this.state >> 64n) ^ (this.state & MASK64), turn = this.state >> 122n;
    return ((mixed >> turn) | (mixed << ((64n - turn) & 63n))) & MASK64;
  }

  half() {
    if (this.spare !== null) {
      const found = this.spare;
      this.spare = null;
      return found;
    }
    const word = this.word();
    this.spare = Number(word >> 32n);
    return Number(word & 0xffffffffn);
  }

  uniform() {
    return Number(this.word() >> 11n) * 2 ** -53;
  }

  // Marsaglia & Tsang's ziggurat of 256 layers.
  normal() {
    for (;;) {
      const word = this.word(), layer = Number(word & 0xffn), bits = (word >> 9n) & 0xfffffffffffffn;
      const size = Number(bits) * ZIGGURAT.w[layer], x = (word >> 8n) & 1n ? -size : size;
      if (Number(bits) < ZIGGURAT.k[layer]) return x;
      if (layer === 0) {
        for (;;) {
          const beyond = -Math.log1p(-this.uniform()) / ZIGGURAT.r, other = -Math.log1p(-this.uniform());
          if (2 * other > beyond * beyond) return (bits >> 8n) & 1n ? -(ZIGGURAT.r + beyond) : ZIGGURAT.r + beyond;
        }
      }
      const { f } = ZIGGURAT;
      if ((f[layer - 1] - f[layer]) * this.uniform() + f[layer] < Math.exp(-0.5 * x * x)) return x;
    }
  }

  // Of shape above 1: Marsaglia & Tsang 2000.
  gamma(shape) {
    const b = shape - 1 / 3, c = 1 / Math.sqrt(9 * b);
    for (;;) {
      let x, v;
      do {
        x = this.normal();
        v = 1 + c * x;
      } while (v <= 0);
      v = v * v * v;
      const u = this.uniform();
      if (u < 1 - 0.0331 * (x * x) * (x * x)) return b * v;
      if (Math.log(u) < 0.5 * x * x + b * (1 - v + Math.log(v))) return b * v;
    }
  }
}

// Layers of equal area under e^{−x²/2}: widths w and acceptance k in units of 2⁻⁵², heights f.
const ZIGGURAT = (() => {
  const r = 3.6541528853610088, area = 0.004928673233974655, height = (x) => Math.exp(-0.5 * x * x);
  const x = new Float64Array(256), k = new Float64Array(256);
  x[255] = r;
  for (let i = 254; i > 0; i--) x[i] = Math.sqrt(-2 * Math.log(area / x[i + 1] + height(x[i + 1])));
  const f = Array.from(x, height), widths = Array.from(x);
  widths[0] = area / height(r);
  k[0] = Math.floor((r / widths[0]) * 2 ** 52);
  for (let i = 2; i < 256; i++) k[i] = Math.floor((x[i - 1] / x[i]) * 2 ** 52);
  return { r, f, k, w: widths.map((each) => each * 2 ** -52) };
})();

const DISTRIBUTIONS = {
  gaussian: (generator) => generator.normal(),
  rademacher: (generator) => (generator.half() >>> 31 ? 1 : -1),
  student_t: (generator, freedom) => {
    const normal = generator.normal();
    return (Math.sqrt(freedom / 2) * normal) / Math.sqrt(generator.gamma(freedom / 2));
  },
};

// N examples in k dimensions with mean 0 and covariance I (divisor N − 1): k arrays of N (sgdsde.whitened).
function whitenedExamples(name, n, k, seed) {
  const [distribution, freedom] = name.split(":");
  const low = seed >>> 0, high = Math.floor(seed / 2 ** 32);
  const generator = new Generator([...(high ? [low, high] : [low]), 0x77686974]);
  const raw = Array.from({ length: k }, () => new Float64Array(n));
  for (let tries = 0; tries < 100; tries++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < k; j++) raw[j][i] = DISTRIBUTIONS[distribution](generator, Number(freedom));
    }
    if (distribution !== "rademacher" || spans(raw)) break;
  }
  for (let pass = 0; pass < 2; pass++) {
    centre(raw);
    const l = choleskyOf(raw);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < k; j++) {
        for (let other = 0; other < j; other++) raw[j][i] -= l[j][other] * raw[other][i];
        raw[j][i] /= l[j][j];
      }
    }
  }
  centre(raw);
  return raw;
}

function centre(raw) {
  for (const row of raw) {
    const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
    for (let i = 0; i < row.length; i++) row[i] -= mean;
  }
}

// Lower root of the covariance.
function choleskyOf(raw) {
  const n = raw[0].length, l = raw.map(() => []);
  raw.forEach((row, i) => {
    for (let j = 0; j <= i; j++) {
      let sum = row.reduce((total, x, at) => total + x * raw[j][at], 0) / (n - 1);
      for (let other = 0; other < j; other++) sum -= l[i][other] * l[j][other];
      l[i][j] = i === j ? Math.sqrt(Math.max(sum, 0)) : sum / l[j][j];
    }
  });
  return l;
}

// Whether signs span all their dimensions when their mean is taken away.
function spans(raw) {
  const copy = raw.map((row) => Float64Array.from(row));
  centre(copy);
  return choleskyOf(copy).every((row, i) => row[i] > 1e-6);
}
