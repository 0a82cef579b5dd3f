// Two people in one text. The same idea as the journal's own merge: what either put in stays, what either took away goes.

/** Words, spaces and single signs; scripts without spaces go sign by sign. */
const TOKENS = /[\p{L}\p{N}\p{M}]+|\s+|[^]/gu;
const DENSE = /[\u0e00-\u109f\u1780-\u17ff\u2e80-\u{3ffff}]/u;
const LIMIT = 900;

/** A text as pieces that are compared whole. */
export function pieces(text) {
  const found = text.match(TOKENS) ?? [];
  return found.flatMap((piece) => (piece.length > 1 && DENSE.test(piece) ? [...piece] : [piece]));
}

/** How much two lists have in common at their start and, of the rest, at their end. */
function ends(a, b) {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  return [start, end];
}

/** What two lists of pieces have in common, as runs `[from in a, from in b, length]`, ended by an empty one. */
function common(a, b) {
  const [start, end] = ends(a, b);
  const runs = start ? [[0, 0, start]] : [];
  const n = a.length - start - end;
  const m = b.length - start - end;
  if (n && m && n <= LIMIT && m <= LIMIT) {
    const width = m + 1;
    const best = new Uint16Array((n + 1) * width);
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) {
        best[i * width + j] =
          a[start + i] === b[start + j]
            ? best[(i + 1) * width + j + 1] + 1
            : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
      }
    }
    for (let i = 0, j = 0; i < n && j < m; ) {
      if (a[start + i] === b[start + j]) {
        const last = runs.at(-1);
        if (last && last[0] + last[2] === start + i && last[1] + last[2] === start + j) last[2]++;
        else runs.push([start + i, start + j, 1]);
        i++;
        j++;
      } else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) i++;
      else j++;
    }
  }
  if (end) runs.push([a.length - end, b.length - end, end]);
  runs.push([a.length, b.length, 0]);
  return runs;
}

/** Pieces of the difference: `{kind: 'same' | 'gone' | 'come', text}`, in order. */
export function difference(old, text) {
  const [a, b] = [pieces(old), pieces(text)];
  const all = [];
  let [i, j] = [0, 0];
  const say = (kind, list) => list.length && all.push({ kind, text: list.join('') });
  for (const [from, to, length] of common(a, b)) {
    say('gone', a.slice(i, from));
    say('come', b.slice(j, to));
    say('same', a.slice(from, from + length));
    [i, j] = [from + length, to + length];
  }
  return all;
}

/** A change without what both begin and end with; no sign is cut in two. */
function trimmed(at, old, text) {
  const [gone, come] = [[...old], [...text]];
  const [start, end] = ends(gone, come);
  const rest = (list) => list.slice(start, list.length - end).join('');
  return [at + gone.slice(0, start).join('').length, rest(gone), rest(come)];
}

/** The changes that make one text into another: `[at, what goes, what comes]`, by UTF-16 units, the first first. */
export function splices(old, text) {
  const all = [];
  let [at, ...both] = trimmed(0, old, text);
  let [gone, come] = ['', ''];
  for (const { kind, text: piece } of [...difference(...both), { text: '' }]) {
    if (kind === 'gone') gone += piece;
    else if (kind === 'come') come += piece;
    else {
      // To the letter: spaces and words that only one of the two changed are not put in a second time.
      if (gone || come) all.push(trimmed(at, gone, come));
      at += gone.length + piece.length;
      gone = come = '';
    }
  }
  return all;
}

/** What `now` was made from, where nobody knows whether `sent`, made from `base`, was taken: where it was not, nothing of it is in `now`. */
export function made_of(base, sent, now) {
  const far = (from) => splices(from, now).reduce((sum, [, gone, come]) => sum + gone.length + come.length, 0);
  return far(sent) < far(base) ? sent : base;
}

/** What comes of `mine` and `theirs`, both made from `base`. */
export function merge(base, mine, theirs) {
  let text = '';
  let at = 0;
  const [m, t] = [splices(base, mine), splices(base, theirs)];
  const gone = new Uint8Array(base.length);
  const come = new Map();
  for (const list of [t, m]) {
    for (const [from, away, words] of list) {
      gone.fill(1, from, from + away.length);
      if (words) come.set(from, (come.get(from) ?? '') + words);
    }
  }
  for (; at <= base.length; at++) {
    if (come.has(at)) text += come.get(at);
    if (at < base.length && !gone[at]) text += base[at];
  }
  return text;
}

/** Makes a field show another text, change by change: the cursor stays at the words where it was. */
export function retype(field, text) {
  for (const [at, gone, come] of splices(field.value, text).reverse()) {
    field.setRangeText(come, at, at + gone.length, 'preserve');
  }
}
