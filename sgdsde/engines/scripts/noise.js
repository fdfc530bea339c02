// Noise sources of independent numbers. A source has `rows`, an array for each number of a step, and `fill(step)`.

class Words {
  constructor(numbers, stream, seed, paths) {
    [this.steps, this.draws] = layout(numbers);
    Object.assign(this, { numbers, stream, seed, paths, group: -1 });
    this.words = new Uint32Array(4 * this.draws * paths);
    this.values = new Float64Array(4 * this.draws * paths);
    this.rows = [];
  }

  // Draw the group of a step where it is new, and point at its numbers.
  fill(step) {
    const group = Math.floor(step / this.steps), first = (step % this.steps) * this.numbers;
    if (group !== this.group) {
      fillWords(this.words, this.seed, this.stream, group, this.draws, this.paths);
      this.make();
      this.group = group;
    }
    for (let n = 0; n < this.numbers; n++) {
      this.rows[n] = this.values.subarray((first + n) * this.paths, (first + n + 1) * this.paths);
    }
  }
}

// Chebyshev fits of sin and cos of an angle in units of 2⁻³² turns, up to an eighth of a turn: those of
// sgdsde.engines.lane_noise, several times as fast as Math.sin and Math.cos.
const S0 = 1.4629180792671596e-9, S1 = -5.218056424438285e-28, S2 = 5.583657738836676e-47;
const S3 = -2.8451784672511097e-66, S4 = 8.457012683211849e-86, S5 = -1.6453088288612931e-105;
const S6 = 2.2374421319667438e-125;
const C0 = -1.0700646533233578e-18, C1 = 1.908397270486639e-37, C2 = -1.3614056422730668e-56;
const C3 = 5.2028283356202456e-76, C4 = -1.2371491791194097e-95, C5 = 1.988944809949779e-115;

class Gaussian extends Words {
  // Box and Muller: each pair of words is a radius, of 48 bits, and an angle.
  make() {
    const { words, values, paths } = this;
    for (let pair = 0; pair < 2 * this.draws; pair++) {
      const at = 2 * pair * paths;
      for (let i = at; i < at + paths; i++) {
        const angleWord = words[i + paths];
        const u = (words[i] * 65536 + (angleWord & 0xffff) + 0.5) * 2 ** -48;
        const radius = Math.sqrt(-2 * Math.log(u));
        // x, in 2⁻³² turns, is what is left of the angle beside the nearest quarter turn.
        const shifted = (angleWord + 0x20000000) | 0, quarter = shifted >>> 30, x = (shifted & 0x3fffffff) - 0x20000000;
        const q = x * x;
        const s = x * (S0 + q * (S1 + q * (S2 + q * (S3 + q * (S4 + q * (S5 + q * S6))))));
        const c = 1 + q * (C0 + q * (C1 + q * (C2 + q * (C3 + q * (C4 + q * C5)))));
        const sine = quarter & 1 ? c : s, cosine = quarter & 1 ? s : c;
        values[i] = quarter & 2 ? -radius * sine : radius * sine;
        values[i + paths] = (quarter + 1) & 2 ? -radius * cosine : radius * cosine;
      }
    }
  }
}

class Uniform extends Words {
  make() {
    const { words, values } = this;
    for (let i = 0; i < words.length; i++) values[i] = (words[i] + 0.5) * 2 ** -32;
  }
}
