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

class Gaussian extends Words {
  // Box and Muller: each pair of words is a radius, of 48 bits, and an angle.
  make() {
    const { words, values, paths } = this;
    for (let pair = 0; pair < 2 * this.draws; pair++) {
      const at = 2 * pair * paths;
      for (let i = at; i < at + paths; i++) {
        const angleWord = words[i + paths];
        const u = (words[i] * 65536 + (angleWord & 0xffff) + 0.5) * 2 ** -48;
        const radius = Math.sqrt(-2 * Math.log(u)), angle = 2 * Math.PI * (angleWord * 2 ** -32);
        values[i] = radius * Math.sin(angle);
        values[i + paths] = radius * Math.cos(angle);
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
