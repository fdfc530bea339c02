// Philox4x32-10 (Salmon et al., SC 2011): random words as a function of a counter and a key.

const STREAM = { normal: 0, batch: 1, second: 2, sign: 4, other: 7, uniform: 8 };

// The high word of x·m, with m = high·2¹⁶ + low, from products of halves.
function highWord(x, high, low) {
  const xl = x & 0xffff, xh = x >>> 16;
  const u = Math.imul(xh, low) + (Math.imul(xl, low) >>> 16) | 0, v = Math.imul(xl, high) + (u & 0xffff) | 0;
  return Math.imul(xh, high) + (u >>> 16) + (v >>> 16) | 0;
}

// words[4·draws·paths] ← the draws of a group for paths 0, 1, …: row 4·draw + i has the i-th word of that draw. The
// multipliers are 0xD2511F53 and 0xCD9E8D57. In each of the first two rounds one product is the same for all paths.
function fillWords(words, seed, stream, group, draws, paths) {
  const seed0 = seed | 0, seed1 = Math.floor(seed / 4294967296) | 0;
  const next0 = seed0 + 0x9e3779b9 | 0, next1 = seed1 + 0xbb67ae85 | 0;
  const c1 = highWord(group, 0xd251, 0x1f53) ^ stream ^ seed1, d1 = Math.imul(group, 0xd2511f53);
  const a2 = highWord(c1, 0xcd9e, 0x8d57) ^ next0, b2 = Math.imul(c1, 0xcd9e8d57), c2 = d1 ^ next1;
  for (let draw = 0; draw < draws; draw++) {
    const first = 4 * draw * paths, a1 = draw ^ seed0;
    for (let path = 0; path < paths; path++) {
      const a = highWord(path, 0xcd9e, 0x8d57) ^ a1;
      let w0 = Math.imul(path, 0xcd9e8d57) ^ a2, w1 = b2, w2 = highWord(a, 0xd251, 0x1f53) ^ c2, w3 = Math.imul(a, 0xd2511f53);
      let k0 = next0, k1 = next1;
      for (let round = 2; round < 10; round++) {
        k0 = k0 + 0x9e3779b9 | 0;
        k1 = k1 + 0xbb67ae85 | 0;
        const high0 = highWord(w0, 0xd251, 0x1f53), high1 = highWord(w2, 0xcd9e, 0x8d57);
        const low0 = Math.imul(w0, 0xd2511f53), low1 = Math.imul(w2, 0xcd9e8d57);
        w0 = high1 ^ w1 ^ k0;
        w1 = low1;
        w2 = high0 ^ w3 ^ k1;
        w3 = low0;
      }
      words[first + path] = w0;
      words[first + paths + path] = w1;
      words[first + 2 * paths + path] = w2;
      words[first + 3 * paths + path] = w3;
    }
  }
}

// (steps, draws): how many steps one group of draws serves when each step takes so many numbers.
function layout(numbers) {
  if (numbers === 1) return [4, 1];
  if (numbers === 2) return [2, 1];
  return [1, Math.ceil(numbers / 4)];
}
