// The table of what is measured beside what theory says.

// A number with its error, to two digits of the error.
function withError({ value, error }) {
  if (!Number.isFinite(value)) return "—";
  if (!(error > 0)) return plain(Number(value.toPrecision(5)));
  const size = Math.floor(Math.log10(Math.max(Math.abs(value), error)));
  if (size > 5 || size < -4) return `(${withError({ value: value / 10 ** size, error: error / 10 ** size })}) × ${power(size)}`;
  const last = Math.floor(Math.log10(error)) - 1, digits = Math.min(Math.max(-last, 0), 8), unit = 10 ** Math.max(last, 0);
  const rounded = (x) => (last > 0 ? Math.round(x / unit) * unit : x).toFixed(digits).replace("-", "−");
  return `${rounded(value)} ± ${rounded(error)}`;
}

// Infinity is never; null is not known.
const known = (value, more = "") => (value === Infinity ? "exact: never" : Number.isFinite(value) ? `exact ${plain(Number(value.toPrecision(4)))}${more}` : "");

// Rows: [quantity, [SDE, theory], [SGD, theory]], or one cell for both.
function rowsOf(world) {
  const { s, sides, theory, basins, scene, d } = world, both = [theory.sde, theory.sgd], rows = [];
  const measured = sides[0].number.some((count) => count > 0);
  scene.variables.forEach((variable, i) => {
    const cells = sides.map((side, k) => {
      const variance = both[k].variance && both[k].variance[i][i];
      const law = both[k].near && variance ? `linear theory at the minimum ${plain(Number(variance.toPrecision(4)))}` : known(variance, basins.minima.length > 1 ? " in the long run" : "");
      return [measured ? withError(side.variance(i)) : "—", law];
    });
    rows.push([`Variance of ${short(variable)}`, ...cells]);
  });
  if (scene.leaves || (d === 2 && basins.minima.length > 1)) {
    const cells = sides.map((side, k) => {
      const found = side.exits(), left = `${found.out} of ${side.paths} have left`;
      return [found.out ? `${withError(found)}; ${left}` : left, known(both[k].exit, k && s.dynamics === "sgd" ? ", of these examples" : "")];
    });
    rows.push([d === 1 ? "Mean updates until first over a barrier" : "Mean updates until first in another basin", ...cells]);
  }
  if (basins.minima.length > 1) {
    basins.minima.forEach((minimum, well) => {
      const at = minimum.map((x) => plain(Number(x.toPrecision(2)))).join(", ");
      const cells = sides.map((side, k) => [
        measured ? withError(side.share(well)) : "—", both[k].shares ? known(both[k].shares[well], " in the long run") : "",
      ]);
      rows.push([`Share of time in the basin of ${at}`, ...cells]);
    });
  }
  const watched = world.watched();
  if (watched) {
    const [sde, sgd] = watched.means.map(withError);
    rows.push([`Mean of ${typeset(watched.name)} now`, [sde, watched.exact === null ? "" : known(watched.exact)], [sgd, ""]]);
  }
  if (measured) {
    const { value, error, noise } = distanceOf(...sides);
    rows.push(["Distance of the histograms, total variation", [`${withError({ value, error })}; noise alone makes ${noise.toPrecision(2)}`, ""]]);
  }
  const diverged = sides.map((side) => side.diverged);
  if (diverged.some((count) => count)) rows.push(["Paths that diverged", ...diverged.map((count) => [String(count), ""])]);
  return rows;
}

// x**2 - y**2 as x² − y².
const typeset = (formula) => formula.replaceAll("**2", "²").replaceAll("*", " ").replaceAll("-", "−");

// What the averages are over.
function captionOf(world) {
  const { update, waits, s } = world, over = `${s.paths} paths`;
  const measured = update > waits ? `Averages over ${over} and the updates from ${waits + 1} to ${update}` : `Averages over ${over} at this moment, over time from update ${waits + 1} on`;
  return `${measured}, ± standard error; below them what theory says`;
}

function fillTable(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach(([title, ...cells], i) => {
    const row = body.rows[i] || body.insertRow();
    if (row.cells.length !== cells.length + 1) {
      row.replaceChildren(Object.assign(document.createElement("th"), { scope: "row" }));
      for (const _ of cells) {
        const cell = row.insertCell();
        cell.append(document.createElement("span"), document.createElement("small"));
        if (cells.length === 1) Object.assign(cell, { colSpan: 2 });
      }
    }
    row.cells[0].textContent = title;
    cells.forEach(([value, law], k) => {
      const [main, small] = row.cells[k + 1].children;
      main.textContent = value;
      small.textContent = law;
    });
  });
}

// What a reader should know of these settings, in sentences.
function notesOf(world) {
  const { s, sde, sgd, curvature, minimum } = world, said = [];
  const { c, m, temperature, driver, substeps } = sde.told, scale = scaleOf({ ...s, m: sgd.told.m });
  const four = (x) => plain(Number(x.toPrecision(4))), steps = `${substeps} ${substeps > 1 ? "steps" : "step"} an update`;
  const length = sde.told.name === "sde" && driver === "brownian" && minimum ? (curvature * sde.told.update) / substeps : 0;
  const wrong = length >= 2 ? ", which are too long to be stable" : length > 0.01
    ? `, which make its variance in the minimum ${world.d > 1 ? "up to" : "about"} ${plain(Number((100 * (length / (2 - length))).toPrecision(2)))} % too large` : "";
  said.push(`Noise scale g = ${four(scale)}; a batch’s noise has c = ${four(c)} times the covariance of an example’s.`);
  said.push(`The SDE has the temperature T = ${four(temperature)}, is driven by ${inWords(driver)} and takes ${steps}${wrong}.`);
  const edge = (2 * (1 + sgd.told.m)) / curvature;
  if (minimum && ["sgd", "noisy_gd"].includes(s.dynamics) && s.lr >= edge) {
    said.push(`ε is not below the edge 2(1 + m)/h = ${plain(Number(edge.toPrecision(3)))}: SGD is not stable in this minimum.`);
  }
  if (s.m && m !== s.m) said.push(`${sde.told.name} has no momentum.`);
  if (s.m && sgd.told.m !== s.m) said.push(`${sgd.told.name} takes no momentum here.`);
  if (s.sampling === "reshuffle" && driver !== "epoched") said.push("Reshuffled batches cancel within an epoch, and Brownian motion does not.");
  if (!(c > 0)) said.push("Every batch is the whole training set: there is no noise.");
  return said.join(" ");
}
