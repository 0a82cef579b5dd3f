// The page for everybody: scripts that run the other way, paper, colours of one's own, a screen a quarter as wide, no mouse.

import { choose, click, fill, looked_at, must, open, sees, step } from './house.mjs';

/** By the names that the page gives them. */
const VIEWS = {
  today: (who) => click(who, 'Today'),
  write: (who) => click(who, 'Write'),
  all: (who) => click(who, 'Journal'),
  time: (who) => click(who, 'Timeline'),
  search: (who) => click(who, 'Search'),
  settings: (who) => click(who, 'Settings'),
  doctor: async (who) => {
    await click(who, 'Settings');
    await click(who, 'Look now');
    await sees(who, 'All that was looked at');
  },
  backup: async (who) => {
    await click(who, 'Settings');
    await click(who, 'Files to take away or bring');
    await click(who, 'Look at a backup');
  },
  sat: async (who) => {
    await click(who, 'Journal');
    await who.page.getByRole('button', { name: /^Times to talk/ }).click();
    await click(who, 'We sat down without this page');
  },
  'apology-new': (who) => choose(who, 'Write an apology'),
  files: async (who) => {
    await click(who, 'Settings');
    await click(who, 'Files to take away or bring');
  },
  memory: (who) => open(who, 'Memories', /The boat turned over/),
  plan: (who) => open(who, 'Plans', /A day at the lake/),
  packet: (who) => open(who, 'Counselor', /For our counselor/),
  agreement: async (who) => {
    await open(who, 'Boundaries', /What we saw/);
    await click(who, 'Change the words');
  },
  history: async (who) => {
    await open(who, 'Boundaries', /What we saw/);
    await click(who, 'How it came about');
  },
  'checkin-new': (who) => choose(who, 'Set a time to talk'),
};

/** Every view, as it is then. */
async function every(who, look) {
  for (const [name, go] of Object.entries(VIEWS)) {
    await go(who);
    await who.page.locator(`[data-view="${name}"] h1`).waitFor();
    await look(name);
  }
}

export async function everybody(ana, bo) {
  const { page } = ana;

  await step('words from right to left, in a page that runs so too', async () => {
    await choose(ana, 'Propose a boundary');
    await fill(ana, 'Title', 'ארוחת ערב');
    await fill(ana, 'The words', 'אנחנו מניחים את הטלפונים בצד בשעה 19:30 (גם Bo).\nThe second line is English.');
    await click(ana, 'Propose it');
    await sees(ana, 'Ana agreed to these words.');
    // In one look, since what is drawn anew has no direction for a moment.
    await page.waitForFunction(() => ['.words .prose', 'h1', '#top'].map((name) => getComputedStyle(document.querySelector(name)).direction).join() === 'rtl,rtl,ltr');
    // A language of the page that runs so sets this (words.js).
    await page.evaluate(() => (document.documentElement.dir = 'rtl'));
    for (const size of [{ width: 320, height: 700 }, { width: 360, height: 740 }]) {
      await page.setViewportSize(size);
      await every(ana, async (name) => {
        const { wide, left, title } = await page.evaluate(() => ({
          wide: Math.max(document.documentElement.scrollWidth - innerWidth, 0),
          left: document.querySelector('.leave').getBoundingClientRect().x,
          title: getComputedStyle(document.querySelector('h1')).textAlign,
        }));
        must(wide === 0, `${name} is ${wide} px too wide from right to left`);
        must(left < 100 && title === 'start', `${name} is not turned round`);
      });
    }
    await click(ana, 'Today');
    await looked_at(ana, 'today-rtl');
    await open(ana, 'Boundaries', /ארוחת/);
    await looked_at(ana, 'boundary-rtl');
    await page.evaluate(() => (document.documentElement.dir = 'ltr'));
  });

  await step('on paper, dark or not', async () => {
    await open(ana, 'Boundaries', /ארוחת/);
    await sees(ana, 'The second line is English.');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const seen = await page.evaluate(() => {
      const shown = (name) => [...document.querySelectorAll(name)].some((node) => node.getClientRects().length > 0);
      const prose = getComputedStyle(document.querySelector('.words .prose'));
      return { buttons: shown('button'), fields: shown('input, textarea'), words: shown('.words .prose'), ink: prose.color, help: getComputedStyle(document.querySelector('.about')).color, paper: getComputedStyle(document.documentElement).backgroundColor };
    });
    must(seen.words && !seen.buttons && !seen.fields, `what is printed: ${JSON.stringify(seen)}`);
    must(seen.ink === 'rgb(0, 0, 0)' && seen.paper === 'rgb(255, 255, 255)' && seen.help === 'rgb(51, 51, 51)', `in which colours: ${JSON.stringify(seen)}`);
    must((await page.pdf({ format: 'A4' })).toString('latin1', 0, 5) === '%PDF-', 'nothing can be printed');
    await page.emulateMedia({ media: 'screen', colorScheme: 'light' });
  });

  await step('in colours of one’s own, and with more contrast', async () => {
    await page.emulateMedia({ forcedColors: 'active' });
    await every(ana, async (name) => {
      const bare = await page.evaluate(() =>
        [...document.querySelectorAll('button:not(.link, nav button), input, textarea, select')]
          .filter((node) => node.getClientRects().length > 0)
          .filter((node) => ['Top', 'Left'].some((side) => getComputedStyle(node)[`border${side}Style`] === 'none' || getComputedStyle(node)[`border${side}Width`] === '0px'))
          .filter((node) => !['checkbox', 'radio', 'file'].includes(node.type))
          .map((node) => node.outerHTML.slice(0, 90)));
      must(bare.length === 0, `${name} has what nobody sees the edge of: ${bare.join(' ')}`);
    });
    await click(ana, 'Today');
    await page.locator('nav [aria-current]', { hasText: 'Today' }).waitFor();
    const here = await page.evaluate(() => {
      const { borderBlockEndColor: now } = getComputedStyle(document.querySelector('nav [aria-current]'));
      const { borderBlockEndColor: other } = getComputedStyle(document.querySelector('nav button:not([aria-current])'));
      return now !== other;
    });
    must(here, 'where one is cannot be seen');
    await looked_at(ana, 'today-forced-colours');
    await open(ana, 'Boundaries', /What we saw/);
    await looked_at(ana, 'boundary-forced-colours');
    await click(ana, 'Today');
    await page.emulateMedia({ forcedColors: 'none', contrast: 'more' });
    await looked_at(ana, 'today-contrast');
    await page.emulateMedia({ contrast: 'no-preference' });
  });

  await step('nothing moves for who asked for that', async () => {
    const moves = () => page.evaluate(() => getComputedStyle(document.querySelector('.view')).animationName);
    must((await moves()) === 'none', 'it moves');
    await page.emulateMedia({ reducedMotion: 'no-preference' });
    must((await moves()) === 'come', 'it never moves, so this says nothing');
    await page.emulateMedia({ reducedMotion: 'reduce' });
  });

  await step('at 400 % on a small screen', async () => {
    await page.setViewportSize({ width: 320, height: 256 });
    await every(ana, async (name) => {
      const { wide, top } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth - innerWidth, top: document.querySelector('#top').getBoundingClientRect().height }));
      must(wide <= 0, `${name} is ${wide} px too wide`);
      must(top <= 80, `the top of ${name} takes ${top} px of 256`);
    });
    await click(ana, 'Today');
    await looked_at(ana, 'today-400-percent');
    await open(ana, 'Boundaries', /What we saw/);
    await looked_at(ana, 'boundary-400-percent');
    await page.setViewportSize({ width: 360, height: 740 });
  });

  await step('by keyboard alone: a boundary from the first word to no', async () => {
    const { keyboard } = page;
    const named = () => page.evaluate(() => {
      const at = document.activeElement;
      // Past the last of the page the focus is on all of it, until it begins again.
      if (!at.matches('a, button, input, select, textarea, summary')) return '';
      return `${at.labels?.[0]?.innerText ?? ''} ${at.innerText ?? ''} ${at.id}`;
    });
    const reach = async (name) => {
      for (let n = 0; n < 80; n++) {
        await keyboard.press('Tab');
        if (!(await named()).includes(name)) continue;
        // Nothing lies over what has the focus (WCAG 2.4.11), once the page has moved to it.
        const seen = page.waitForFunction(() => {
          const at = document.activeElement.getBoundingClientRect();
          const top = document.elementFromPoint(at.x + at.width / 2, at.y + Math.min(at.height, 20) / 2);
          return getComputedStyle(document.activeElement).outlineStyle !== 'none' && (document.activeElement.contains(top) || top?.contains(document.activeElement));
        });
        await seen.catch(() => must(false, `the focus on ${name} cannot be seen`));
        return;
      }
      throw new Error(`${name} cannot be reached`);
    };
    const title = async (words) => {
      await sees(ana, words);
      await page.waitForFunction(() => document.activeElement?.tagName === 'H1');
    };
    await click(ana, 'Today');
    // The focus goes to the view's title once it is there, and would leave a key behind that was pressed before.
    await title('Hello, Ana');
    const first = await page.evaluate(() => document.querySelector('a, button, input, [tabindex="0"]').id);
    must(first === 'skip', 'the way past the top is not the first');
    await reach('Write');
    await keyboard.press('Enter');
    await title('What do you want to write?');
    await reach('Propose a boundary');
    await keyboard.press('Enter');
    await title('Propose a boundary');
    await reach('Title');
    await keyboard.type('BY KEYS');
    await reach('The words');
    // Capitals are typed with the key that leads off the page: three of them in a row do not.
    for (const letter of 'WE GO') await keyboard.press(letter === ' ' ? ' ' : `Shift+${letter}`);
    await keyboard.type(' slowly.');
    await reach('Propose it');
    await keyboard.press('Enter');
    await title('BY KEYS');
    await reach('Change the words');
    await keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.tagName === 'TEXTAREA');
    await keyboard.press('Control+End');
    await keyboard.type(' And together.');
    await reach('Done writing');
    await keyboard.press('Enter');
    await sees(ana, 'What changed since you last agreed');
    await reach('No, I do not agree');
    await keyboard.press('Enter');
    await sees(ana, 'declined');
  });
}
