// A session that two people really had, key by key, played by two people into one boundary at once.

import { readFileSync } from 'node:fs';

import { choose, click, fill, must, open, sees, step } from './house.mjs';

const SESSION = JSON.parse(readFileSync(new URL('session.json', import.meta.url)));
/** How many keys of the session one may be ahead of the other: what they wrote depends on what they saw. */
const AHEAD = 40;

/** Waits until the other's words stand behind the cursor, and where it moves puts it between these words and those. */
async function ready(field, before, behind) {
  await field.page().waitForFunction(([before, behind]) => {
    const field = document.querySelector('.view textarea');
    if (before === null) return field.value.startsWith(behind, field.selectionStart);
    const at = field.value.indexOf(before + behind);
    if (at < 0 || field.value.indexOf(before + behind, at + 1) >= 0) return false;
    field.setSelectionRange(at + before.length, at + before.length);
    return true;
  }, [before, behind]).catch(async (error) => {
    throw new Error(`no single ${JSON.stringify([before, behind])} in ${JSON.stringify(await field.inputValue())}: ${error.message}`);
  });
}

export async function at_once(ana, bo) {
  await step('a real session of two people who type at once, every keystroke of both and each cursor', async () => {
    await choose(ana, 'Propose a boundary');
    await fill(ana, 'Title', 'What we saw');
    await fill(ana, 'The words', SESSION.start);
    await click(ana, 'Propose it');
    await sees(ana, 'Ana agreed to these words.');
    await open(bo, 'Boundaries', /What we saw/);
    await Promise.all([ana, bo].map((who) => click(who, 'Change the words')));

    const at = { ana: 0, bo: 0 };
    const moved = new EventTarget();
    const play = async (name, other, who) => {
      const field = who.page.getByLabel('The text as it stands now');
      // Behind which letter each key found the cursor.
      await field.evaluate((field) => {
        window.stood = [];
        field.addEventListener('beforeinput', () => window.stood.push(field.value.slice(0, field.selectionStart).at(-1)));
      });
      const left = [];
      const now = (key) => {
        at[name] = key;
        moved.dispatchEvent(new Event('moved'));
      };
      let before = null;
      for (const [begun, words, keys, behind] of SESSION[name]) {
        now(begun);
        await ready(field, words, behind);
        if (words !== null) before = words.at(-1);
        // A few keys at once, as fingers do; what takes away, and new lines, by themselves.
        let n = 0;
        for (const some of keys.match(/[\b\n]|[^\b\n]{1,6}/g)) {
          now(begun + n);
          while (at[name] > at[other] + AHEAD) await new Promise((go) => moved.addEventListener('moved', go, { once: true }));
          for (const key of some) {
            left.push(before);
            // After a key that takes away, what is left is found anew.
            before = key === '\b' ? null : key;
          }
          if (some === '\b') await who.page.keyboard.press('Backspace');
          else if (some === '\n') await who.page.keyboard.press('Enter');
          else await who.page.keyboard.type(some);
          n += some.length;
        }
      }
      now(Infinity);
      // Whatever the other wrote meanwhile, the cursor was where this person had left it.
      const stood = await who.page.evaluate(() => window.stood);
      must(stood.length === left.length, `${name} pressed ${left.length} keys, and ${stood.length} came`);
      const lost = left.findIndex((letter, at) => letter !== null && letter !== stood[at]);
      must(lost < 0, `at key ${lost} ${name}'s cursor was behind ${JSON.stringify(stood[lost])}, not ${JSON.stringify(left[lost])}`);
    };
    await Promise.all([play('ana', 'bo', ana), play('bo', 'ana', bo)]);
    for (const who of [ana, bo]) {
      await who.page.waitForFunction((text) => document.querySelector('.view textarea').value === text, SESSION.end).catch(async (error) => {
        const text = await who.page.locator('.view textarea').inputValue();
        throw new Error(`${who.name} has ${JSON.stringify(text)}: ${error.message}`);
      });
    }
    await Promise.all([ana, bo].map((who) => click(who, 'Done writing')));
    await Promise.all([ana, bo].map((who) => sees(who, 'There is a lot of 90s banter.')));
  });
}
