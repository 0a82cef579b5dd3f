// What the page makes of two texts that were both made from a third: each stands where its person put it.

import { readFileSync } from 'node:fs';

import { must, step } from './house.mjs';

const SOURCE = readFileSync(new URL('../../src/web/page/merge.js', import.meta.url), 'utf8');

export async function merges() {
  await step('what two put into one text at once stands where each put it', async () => {
    const { made_of, merge, splices } = await import(`data:text/javascript,${encodeURIComponent(SOURCE)}`);
    for (const [base, mine, theirs, both] of [
      // As people type: a word, then a space, before the lines that the other one goes on with.
      ['the win... \n\n', 'the win... This \n\n', 'the win... \n\n\n\n', 'the win... This \n\n\n\n'],
      ['a\n\n\n\nb', 'a \n\n\n\nb', 'a\n\nc\n\nb', 'a \n\nc\n\nb'],
      ['dinner', 'dinners', 'our dinner', 'our dinners'],
      ['ab', 'aab', 'abb', 'aabb'],
      ['\u{1f469}', '\u{1f468}', '\u{1f469}!', '\u{1f468}!'],
      ['', 'mine', 'theirs ', 'theirs mine'],
      ['Phones away.', 'Another.', 'Phones away.', 'Another.'],
    ]) {
      const made = merge(base, mine, theirs);
      must(made === both, `of ${JSON.stringify([base, mine, theirs])} came ${JSON.stringify(made)}`);
    }

    // The same numbers each time.
    let seed = 7;
    const any = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const some = (letters, n) => Array.from({ length: n }, () => letters[any(letters.length)]).join('');
    for (let n = 0; n < 20000; n++) {
      const base = some('ab \n', any(12));
      const put = (letters) => {
        const at = any(base.length + 1);
        return base.slice(0, at) + some(letters, any(4)) + base.slice(at);
      };
      const [mine, theirs] = [put('AB'), put('YZ')];
      const made = merge(base, mine, theirs);
      const told = `of ${JSON.stringify([base, mine, theirs])} came ${JSON.stringify(made)}`;
      must(made.replace(/[YZ]/g, '') === mine && made.replace(/[AB]/g, '') === theirs, told);
      // Where what one sent was taken or not, and the other put something in or took something away.
      const gone = any(base.length + 1);
      for (const [now, from] of [
        [theirs, base], [made, mine], [base.slice(0, gone) + base.slice(gone + 2), base], [mine.replace(/[ab]/, ''), mine],
      ]) {
        const of = made_of(base, mine, now);
        must(of === from || mine === base, `${JSON.stringify(now)} was made of ${JSON.stringify(of)}, not of ${JSON.stringify(from)}`);
      }
      const other = some('ab \n\u{1f469}\u{1f468}', any(12));
      const changed = splices(base, other).reduceRight((text, [at, gone, come]) => text.slice(0, at) + come + text.slice(at + gone.length), base);
      must(changed === other, `${JSON.stringify(base)} became ${JSON.stringify(changed)}, not ${JSON.stringify(other)}`);
    }
  });
}
