// A journal with many entries is as quick to see as one with few: AMENDS_MANY says how many, and then it is measured, too.

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { choose, click, device, fill, free, must, pair, person, room, run, sees, step } from './house.mjs';

const MANY = Number(process.env.AMENDS_MANY ?? 150);
const PASS = 'correct horse battery';

/** In the page: what it asks the journal from now on, and how many bytes come back. */
function count() {
  const { fetch } = window;
  window.asked = [];
  window.fetch = async (path, options) => {
    const response = await fetch(path, options);
    if (path !== '/ask' || options.body.includes('"watch"')) return response;
    const one = { asked: options.body, length: 0, whole: false };
    window.asked.push(one);
    const counted = new TransformStream({
      transform(piece, to) {
        one.length += piece.length;
        // An answer is one line; who asked stops reading after it, mostly before the stream says that it ended.
        one.whole ||= piece.length > 1 && piece.at(-1) === 10;
        to.enqueue(piece);
      },
    });
    return new Response(response.body.pipeThrough(counted), response);
  };
}

/** In the page: the key of its session, to write much with it. */
function key() {
  const { fetch } = window;
  window.fetch = (path, options) => {
    window.key = options?.headers?.['amends-session'] ?? window.key;
    return fetch(path, options);
  };
}

/** From the start of loading the page: the first paint of anything, and today's view with everything on it. */
function clock() {
  const look = new MutationObserver(() => {
    if (!document.querySelector('[data-view=today] footer')) return;
    look.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.whole = performance.now())));
  });
  look.observe(document, { childList: true, subtree: true });
}

/** Two people with so many entries, whom no view keeps waiting. */
async function written(ana, bo, at) {
  await Promise.all([ana, bo].map((who) => who.page.addInitScript(key)));
  const [at_ana, at_bo] = await Promise.all([device('ana', at.ana), device('bo', at.bo)]);
  await pair([ana, at_ana], [bo, at_bo], PASS);

  await step(`Ana writes ${MANY} entries of all sorts`, async () => {
    await ana.page.evaluate(async (many) => {
      const ask = async (request) => {
        const headers = { 'content-type': 'application/json', 'amends-session': window.key };
        const answer = await (await fetch('/ask', { method: 'POST', headers, body: JSON.stringify(request) })).text();
        if (!answer.includes('"response":"entry"')) throw new Error(answer);
      };
      const text = 'We put our phones away at dinner, and we say so when one of us is on call. '.repeat(4);
      const one = (n) => {
        const words = { title: `Number ${n}`, text: `${text}${n}`, language: 'en' };
        if (n % 3 === 0) return { request: 'plan', verb: 'add', ...words, date: null };
        if (n % 3 === 1) return { request: 'memory', verb: 'add', idea: false, ...words, date: null, place: null, photos: [], as_it_is: false };
        return { request: 'agreement', kind: 'boundary', ask: { verb: 'propose', from: null, ...words, review_on: null } };
      };
      for (let n = 0; n < many; n += 20) {
        await Promise.all(Array.from({ length: Math.min(20, many - n) }, (_, at) => ask(one(n + at))));
      }
    }, MANY);
    await choose(ana, 'Propose a boundary');
    await fill(ana, 'Title', 'The last of all');
    await fill(ana, 'The words', 'It comes after all others.');
    await click(ana, 'Propose it');
  });

  await step('they come to Bo, who agrees to the last', async () => {
    await click(bo, 'Journal');
    await bo.page.getByRole('button', { name: /^Boundaries/ }).click();
    await bo.page.locator('.entry', { hasText: 'The last of all' }).waitFor({ timeout: Math.max(60000, MANY * 60) });
    await bo.page.locator('.entry', { hasText: 'The last of all' }).click();
    await click(bo, 'I agree to these words');
    await sees(bo, 'You both agreed to exactly these words.');
    // All others wait for Bo, of which today's view shows a few.
    await click(bo, 'Today');
    await bo.page.locator('.entry').first().waitFor();
    await bo.page.evaluate(count);
    await click(bo, 'Today');
    await bo.page.locator('[data-view="today"] .entry').first().waitFor();
    await bo.page.waitForFunction(() => window.asked.some((one) => one.whole && one.asked.includes('"status"')));
    const [told] = await bo.page.evaluate(() => window.asked.filter((one) => one.whole && one.asked.includes('"status"')));
    must(told.length < 8000, `what waits was told in ${told.length} bytes`);
    must((await bo.page.locator('.entry').count()) <= 20, 'today shows more than a few');
    await click(bo, 'All that waits for you');
    await bo.page.waitForFunction(() => document.querySelectorAll('.entries .entry').length === 40);
    await click(bo, 'Show more');
    await bo.page.waitForFunction((rows) => document.querySelectorAll('.entries .entry').length === rows, Math.min(80, MANY / 3));
  });

  await step('no view asks for more than it shows', async () => {
    await click(ana, 'Today');
    await ana.page.locator('.entry', { hasText: 'The last of all' }).waitFor();
    await ana.page.evaluate(count);
    const rows = () => ana.page.locator('.entries .entry, fieldset li').count();
    const views = [
      ['Today', 'today', () => click(ana, 'Today'), 60],
      ['a list', 'kind', async () => {
        await click(ana, 'Journal');
        await ana.page.getByRole('button', { name: /^Plans/ }).click();
      }, 60],
      ['the timeline', 'time', () => click(ana, 'Timeline'), 60],
      ['what a counselor may read', 'packet-new', () => choose(ana, 'Choose entries'), 60],
    ];
    for (const [name, view, go, most] of views) {
      await ana.page.evaluate(() => (window.asked = []));
      await go();
      await ana.page.locator(`[data-view="${view}"] :is(.entry, fieldset li)`).first().waitFor();
      // What a view that was drawn anew meanwhile did not read to its end says nothing.
      await ana.page.waitForFunction(() => window.asked.some((one) => one.whole));
      const asked = await ana.page.evaluate(() => window.asked.filter((one) => one.whole));
      must(asked.length > 0, `${name} asked for nothing`);
      must((await rows()) <= most, `${name} has ${await rows()} rows`);
      // An entry of these is below a kilobyte and a half.
      for (const one of asked) must(one.length > 0 && one.length < most * 1500, `${name}: ${one.asked} was answered with ${one.length} bytes`);
    }
    await click(ana, 'Timeline');
    const more = ana.page.getByRole('button', { name: 'Show more' });
    for (let n = 2; n <= 3; n++) {
      await more.click();
      await ana.page.waitForFunction((rows) => document.querySelectorAll('.entries .entry').length === rows, n * 40);
    }
    const titles = await ana.page.locator('.entries .called').allTextContents();
    must(new Set(titles).size === titles.length && titles[0] === 'The last of all' && titles[1] === `Number ${MANY - 1}`, `the timeline shows ${titles}`);
  });
  for (const { process } of [at_ana, at_bo]) {
    process.kill('SIGTERM');
    await new Promise((gone) => process.once('exit', gone));
  }
}

run(async () => {
  const [a, b] = [await free(), await free()];
  const at = { ana: { listen: `127.0.0.1:${a}`, peer: `127.0.0.1:${b}` }, bo: { listen: `127.0.0.1:${b}`, peer: `127.0.0.1:${a}` } };
  const [ana, bo] = [await person('Ana', 'phone'), await person('Bo', 'desk')];
  // Homes that were kept are only measured.
  if (!existsSync(join(room, 'ana'))) await written(ana, bo, at);
  if (!process.env.AMENDS_MANY) return;
  await step('measured', async () => {
    for (const [who, more] of [[ana, at.ana], [bo, at.bo]]) {
      const secret = join(room, `${who.name}.passphrase`);
      writeFileSync(secret, PASS, { mode: 0o600 });
      for (let n = 0; n < 5; n++) {
        const again = await device(who.name.toLowerCase(), { ...more, first: ['--passphrase-file', secret] });
        const page = await who.context.newPage();
        await page.addInitScript(clock);
        await page.goto(again.address);
        await page.waitForFunction(() => window.whole);
        const { first, whole } = await page.evaluate(() => ({ first: performance.getEntriesByName('first-contentful-paint')[0]?.startTime, whole: window.whole }));
        const scrolled = await page.evaluate(async () => {
          let worst = 0;
          let last = performance.now();
          for (let n = 0; n < 60; n++) {
            scrollBy(0, 200);
            await new Promise(requestAnimationFrame);
            worst = Math.max(worst, performance.now() - last);
            last = performance.now();
          }
          return worst;
        });
        console.log(`          ${who.name}, ${MANY} entries: first paint ${first?.toFixed(0)} ms, all of today ${whole.toFixed(0)} ms, longest frame while scrolling ${scrolled.toFixed(0)} ms`);
        await page.close();
        again.process.kill('SIGTERM');
        await new Promise((gone) => again.process.once('exit', gone));
      }
    }
  });
});
