"""Scripts run by node, where there is one; and plans as scripts."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from sgdsde.engines import javascript
from sgdsde.engines.noise import ExampleBatches, GaussianIncrements, Uniforms
from sgdsde.engines.philox import STREAM_BATCH
from sgdsde.engines.registry import Plan


def result_of(script: str) -> object:
    """What a script that prints JSON prints; the test is skipped where there is no node."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, which is not installed")
    done = subprocess.run([node, "-"], input=script, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def end_of(plan: Plan) -> np.ndarray:
    """The state (S, paths) at the end of a plan, run by the printed block and the scripts."""
    rows = np.atleast_2d(np.asarray(plan.constants))
    per_step = rows if plan.rows is None else np.repeat(rows[plan.rows], plan.per_row, axis=0)
    script = f"""{javascript.runtime()}
const program = {javascript.program(plan.block)};
const sources = [{", ".join(_source(noise, plan) for noise in plan.noise)}];
const start = {json.dumps(plan.start.tolist())};
const run = new Run({{ program, rows: {json.dumps(per_step.tolist())}, sources, start }});
for (let step = 0; step < {plan.updates * plan.substeps}; step++) run.advance();
console.log(JSON.stringify(run.state.map((row) => Array.from(row))));
"""
    return np.array(result_of(script))


def _source(noise, plan: Plan) -> str:
    own = f"{plan.seed}, {plan.paths}"
    if isinstance(noise, GaussianIncrements):
        return f"new Gaussian({noise.numbers}, {noise.stream}, {own})"
    if isinstance(noise, Uniforms):
        return f"new Uniform({noise.numbers}, {noise.stream}, {own})"
    assert isinstance(noise, ExampleBatches)
    sampling = "shuffle_once" if noise.repeated else noise.sampling
    table = f"{json.dumps(noise.table.T.tolist())}.map((row) => Float64Array.from(row))"
    apart = json.dumps(noise.apart or noise.stream != STREAM_BATCH)
    return f'new Batches({table}, {noise.batch_size}, "{sampling}", {noise.stream}, {apart}, {own})'
