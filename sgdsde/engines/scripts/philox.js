// Philox4x32-10 (Salmon et al., SC 2011): random words as a function of a counter and a key.

const STREAM = { normal: 0, batch: 1, second: 2, sign: 4, other: 7, uniform: 8 };

// words[4·draws·paths] ← the draws of a group for paths 0, 1, …: row 4·draw + i has the i-th word of that draw.
function fillWords(words, seed, stream, group, draws, paths) {
  const seed0 = seed >>> 0, seed1 = Math.floor(seed / 4294967296) >>> 0;
  for (let draw = 0; draw < draws; draw++) {
    const first = 4 * draw * paths;
    for (let path = 0; path < paths; path++) {
      let a = group | 0, b = draw | 0, c = path | 0, d = stream | 0, k0 = seed0 | 0, k1 = seed1 | 0;
      for (let round = 0; round < 10; round++) {
        // The high words of 0xD2511F53·a and 0xCD9E8D57·c, from products of halves.
        const al = a & 0xffff, ah = a >>> 16, cl = c & 0xffff, ch = c >>> 16;
        const u = Math.imul(ah, 0x1f53) + (Math.imul(al, 0x1f53) >>> 16) | 0;
        const v = Math.imul(al, 0xd251) + (u & 0xffff) | 0;
        const x = Math.imul(ch, 0x8d57) + (Math.imul(cl, 0x8d57) >>> 16) | 0;
        const y = Math.imul(cl, 0xcd9e) + (x & 0xffff) | 0;
        const high0 = Math.imul(ah, 0xd251) + (u >>> 16) + (v >>> 16) | 0;
        const high1 = Math.imul(ch, 0xcd9e) + (x >>> 16) + (y >>> 16) | 0;
        const low0 = Math.imul(a, 0xd2511f53), low1 = Math.imul(c, 0xcd9e8d57);
        a = high1 ^ b ^ k0;
        b = low1;
        c = high0 ^ d ^ k1;
        d = low0;
        k0 = k0 + 0x9e3779b9 | 0;
        k1 = k1 + 0xbb67ae85 | 0;
      }
      words[first + path] = a;
      words[first + paths + path] = b;
      words[first + 2 * paths + path] = c;
      words[first + 3 * paths + path] = d;
    }
  }
}

// (steps, draws): how many steps one group of draws serves when each step takes so many numbers.
function layout(numbers) {
  if (numbers === 1) return [4, 1];
  if (numbers === 2) return [2, 1];
  return [1, Math.ceil(numbers / 4)];
}
