// What every test of the page needs: devices as processes, a browser, and a person who reads and clicks.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const require = createRequire(join(process.env.AMENDS_PAGE_READER, 'package.json'));
const { chromium } = require('playwright-core');
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
// Where much is written first, nobody sits at the page for as long as that takes.
const LONG = process.env.AMENDS_MANY ? ['--lock-after', '12h'] : [];

export const BINARY = process.env.AMENDS_BINARY;
/** Where pictures of the views go, if anywhere. */
const SCREENS = process.env.AMENDS_SCREENS;
/** How long a thing may take before the test says that it does not come. */
const PATIENCE = Number(process.env.AMENDS_PATIENCE ?? 60000);

export const SIZES = { phone: { width: 360, height: 740 }, desk: { width: 1280, height: 800 } };
/** Where homes are kept from one run to the next, where that is wanted. */
const HOMES = process.env.AMENDS_HOMES;
const room = HOMES ?? mkdtempSync(join(tmpdir(), 'amends-page-'));
const ends = HOMES ? [] : [() => rmSync(room, { recursive: true, force: true })];

export function free() {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** `amends open --print` on a home of its own. Gives its process and the address it printed. */
export async function device(name, { listen, peer, first = [], more = [] } = {}) {
  const home = join(room, name);
  const process_ = spawn(BINARY, ['--home', home, ...first, 'open', '--print', '--quiet', ...LONG, '--argon2-memory', '64',
    ...(listen ? ['--listen', listen] : []), ...(peer ? ['--peer', peer] : []), ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  process_.stderr.on('data', (data) => (said += data));
  ends.unshift(async () => {
    if (process_.exitCode === null) {
      process_.kill('SIGCONT');
      process_.kill('SIGTERM');
      await new Promise((gone) => process_.once('exit', gone));
    }
  });
  const address = await new Promise((done, failed) => {
    let out = '';
    process_.stdout.on('data', (data) => {
      out += data;
      if (out.includes('\n')) done(out.split('\n')[0]);
    });
    process_.once('exit', (code) => failed(new Error(`amends open ended with ${code}: ${said}`)));
  });
  return { home, process: process_, address, origin: new URL(address).origin };
}

let browser;
const people = [];
/** A person with a browser of their own, at a screen of this size. */
export async function person(name, size, { locale = 'en-GB', ...more } = {}) {
  browser ??= await chromium.launch({
    executablePath: process.env.AMENDS_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  const context = await browser.newContext({ viewport: SIZES[size], locale, timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', ...more });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const odd = [];
  page.on('pageerror', (error) => odd.push(error.stack ?? `${error}`));
  page.on('console', (line) => {
    // What a failure says on purpose comes with a status that the browser writes down, too.
    if (line.type() === 'error' && !/status of (401|403|422)|ERR_/.test(line.text())) odd.push(line.text());
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'blob:' && hostname !== '127.0.0.1') odd.push(`it asked ${request.url()}`);
  });
  const from = process.env.AMENDS_PAGE_FROM;
  if (from) {
    // For those who work on the page: its files as they are on the disk, put together as src/web/files.rs does it.
    const modules = readFileSync(join(from, '../files.rs'), 'utf8').match(/^script! \{([^}]*)\}/m)[1].match(/[\w.]+(?=")/g);
    const module = (name) => readFileSync(join(from, name), 'utf8').split('\n').filter((line) => !line.startsWith('import ')).map((line) => line.replace(/^export (?!default)/, ''));
    const file = (path) => (path === '/page.js' ? modules.flatMap(module).join('\n') : readFileSync(join(from, path), 'utf8'));
    await page.route(/\.(js|css)$/, async (route) => {
      const answer = await route.fetch();
      const path = new URL(route.request().url()).pathname;
      await route.fulfill({ status: 200, headers: answer.headers(), contentType: path.endsWith('css') ? 'text/css' : 'text/javascript', body: file(path) });
    });
  }
  const who = { name, size, context, page, odd };
  people.push(who);
  return who;
}

/** Does it, and says when that took long or failed. */
export async function step(name, work) {
  const begun = Date.now();
  try {
    return await work();
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  } finally {
    console.log(`${String(Date.now() - begun).padStart(6)} ms  ${name}`);
  }
}

export const button = (who, name) => who.page.getByRole('button', { name, exact: true });
export const click = (who, name) => button(who, name).click();
export const fill = (who, label, words) => who.page.getByLabel(label, { exact: true }).fill(words);
export const sees = (who, words) => who.page.getByText(words).filter({ visible: true }).first().waitFor();
/** Begins something new. */
export async function choose(who, name) {
  await click(who, 'Write');
  await who.page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
}
/** Opens an entry from the list of its kind. */
export async function open(who, kind, name) {
  await click(who, 'Journal');
  await who.page.getByRole('button', { name: new RegExp(`^${kind}`) }).click();
  await who.page.locator('.entry', { hasText: name }).first().click();
}
export function must(holds, what) {
  if (!holds) throw new Error(what);
}

/** From empty homes to one journal, without looking round. */
export async function pair([one, at_one], [other, at_other], passphrase) {
  for (const [who, at] of [[one, at_one], [other, at_other]]) {
    await who.page.goto(at.address);
    await fill(who, 'Your name', who.name);
    await fill(who, 'Choose a passphrase', passphrase);
    await fill(who, 'The passphrase once more', passphrase);
    await click(who, 'Make my journal');
    await sees(who, 'Bring your two devices together');
  }
  await click(one, 'Show a code');
  await one.page.locator('summary').click();
  const at = (await one.page.locator('.listen').textContent()).split(' · ')[0];
  await click(other, 'Type a code');
  await fill(other, 'The code on the other screen', await one.page.locator('.code').textContent());
  await other.page.locator('summary').click();
  await fill(other, 'Address of the other device', at);
  await click(other, 'Join');
  await Promise.all([one, other].map((who) => click(who, 'Yes, the same')));
  await Promise.all([one, other].map((who) => click(who, 'Go to the journal')));
  await Promise.all([one, other].map((who) => sees(who, 'What waits for you')));
}

/** axe finds nothing, nothing is wider than the screen, and a picture is kept. */
export async function looked_at(who, view) {
  const { page } = who;
  await page.evaluate(AXE);
  const found = await page.evaluate(() =>
    window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const faults = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`);
  must(faults.length === 0, `axe on ${view} at the ${who.size}: ${faults.join('\n')}`);
  const unsaid = (await page.locator('body').innerText()).match(/\b(?:agr|act|apology|check|doctor|entry|fail|feeling|file|kind|memory|plan|sit|state|talk|today|why)\.[a-z_]+(?:\.[a-z_]+)*\b/g);
  must(!unsaid, `${view} says ${unsaid} in no language`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  must(wide <= 0, `${view} is ${wide} px wider than the ${who.size}`);
  if (SCREENS) {
    // What was said a moment ago is no part of the view.
    await page.evaluate(() => document.querySelectorAll('.note').forEach((note) => note.remove()));
    await page.screenshot({ path: join(SCREENS, `${view}-${who.size}.png`), fullPage: false });
  }
}

export async function over(...people) {
  for (const who of people) must(who.odd.length === 0, `${who.name}'s page said: ${who.odd.join('\n')}`);
}

export async function run(all) {
  let code = 0;
  try {
    await all();
  } catch (error) {
    console.error(error);
    for (const who of people) console.error(`--- ${who.name}'s page:\n${await who.page.locator('body').innerText().catch(String)}\n${who.odd.join('\n')}`);
    code = 1;
  }
  await browser?.close();
  for (const end of ends) await end();
  process.exit(code);
}
export { room };
