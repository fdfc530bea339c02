// Functions that printed blocks call, as sgdsde.codegen.NUMPY_FUNCTIONS has them.

function softplus(x) {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function sigmoid(x) {
  const small = Math.exp(-Math.abs(x));
  return (x < 0 ? small : 1) / (1 + small);
}

// √pivot, 0 for rounding below zero.
function mended_root(pivot, diagonal) {
  return Math.sqrt(pivot <= 0 && pivot >= -SINGULAR_PIVOT * diagonal ? 0 : pivot);
}

function rsqrt(x) {
  return 1 / Math.sqrt(x);
}

const rsqrt_of_positive = rsqrt;

function root_of(x, reciprocal) {
  return x === 0 ? x : x * reciprocal;
}
