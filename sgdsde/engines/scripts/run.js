// Many paths of one program, step by step.

class Run {
  // start: an array of arrays, one for each component of the state. rows: the constants of each step of a period.
  constructor({ program, rows, sources, start, substeps = 1 }) {
    Object.assign(this, { program, rows, sources, substeps, step: 0 });
    this.paths = start[0].length;
    this.state = start.map((component) => Float64Array.from(component));
    const more = Array.from({ length: program.outputs - start.length }, () => new Float64Array(this.paths));
    this.arrays = [...this.state];
    this.into = [...this.state, ...more];
    this.margins = more;
  }

  // One step: the state, and the outputs beside it, which are in `margins`.
  advance() {
    let at = this.state.length;
    for (const source of this.sources) {
      source.fill(this.step);
      for (const row of source.rows) this.arrays[at++] = row;
    }
    this.program.step(this.arrays, this.into, this.rows[this.step % this.rows.length], this.paths);
    this.step++;
  }
}
