// One day of two people, from empty homes: Ana at a phone's size, Bo at a desk's.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { everybody } from './everybody.mjs';
import { BINARY, button, choose, click, device, fill, free, looked_at, must, open, over, person, run, sees, step } from './house.mjs';
import { merges } from './merging.mjs';
import { comes_back } from './returning.mjs';
import { at_once } from './typing.mjs';

const PASS = 'correct horse battery';

/** Gives the words of the kit, where one was made. */
async function first_use(who, name, kit) {
  const { page } = who;
  let words = [];
  await sees(who, 'A journal for the two of you');
  await looked_at(who, 'begin');
  await fill(who, 'Your name', name);
  await fill(who, 'Choose a passphrase', PASS);
  await fill(who, 'The passphrase once more', PASS);
  if (kit) await page.getByLabel('Make a recovery kit, too').check();
  await click(who, 'Make my journal');
  if (kit) {
    await sees(who, 'Your recovery kit');
    words = await page.locator('.kit li').allTextContents();
    must(words.length === 24, `${words.length} words`);
    await looked_at(who, 'kit');
    await click(who, 'They are on paper');
    for (const label of await page.locator('label').allTextContents()) {
      await fill(who, label, words[Number(label.split(' ')[1]) - 1]);
    }
    await looked_at(who, 'kit-back');
    await click(who, 'Check');
  }
  await sees(who, 'Bring your two devices together');
  return words;
}

/** Clicks, and gives the file that the browser keeps. */
async function fetched(who, name) {
  const [file] = await Promise.all([who.page.waitForEvent('download'), who.page.getByRole('button', { name, exact: true }).first().click()]);
  return { name: file.suggestedFilename(), path: await file.path(), bytes: readFileSync(await file.path()) };
}

/** A photo that says where, when, with what and by whom it was taken. */
const PHOTO = new URL('../photos/phone.jpg', import.meta.url).pathname;
const TELLS = ['Kamerawerk', 'SERIAL-4711', 'Ana Beispiel', 'a secret remark', 'Berlin', '2026:05:04', 'adobe.com'];


run(async () => {
  const [a, b] = [await free(), await free()];
  const [at_ana, at_bo] = await Promise.all([
    device('ana', { listen: `127.0.0.1:${a}`, peer: `127.0.0.1:${b}` }),
    device('bo', { listen: `127.0.0.1:${b}`, peer: `127.0.0.1:${a}` }),
  ]);
  let kit;
  const [ana, bo] = [await person('Ana', 'phone'), await person('Bo', 'desk')];

  await step('both begin from empty homes', async () => {
    await ana.page.goto(at_ana.address);
    await bo.page.goto(at_bo.address);
    must(!ana.page.url().includes('#'), 'the token stays in the address');
    kit = await first_use(ana, 'Ana', true);
    await first_use(bo, 'Bo', false);
  });

  await step('they pair with a code', async () => {
    await looked_at(ana, 'pair');
    await click(ana, 'Show a code');
    await ana.page.locator('.qr').waitFor();
    await looked_at(ana, 'pair-code');
    const code = await ana.page.locator('.code').textContent();
    await ana.page.locator('summary').click();
    const at = (await ana.page.locator('.listen').textContent()).split(' · ')[0];
    await click(bo, 'Type a code');
    await fill(bo, 'The code on the other screen', code);
    await bo.page.locator('summary').click();
    await fill(bo, 'Address of the other device', at);
    await looked_at(bo, 'pair-type');
    await click(bo, 'Join');
    await Promise.all([ana, bo].map((who) => sees(who, 'Do both screens show this number?')));
    const [one, other] = await Promise.all([ana, bo].map((who) => who.page.locator('.code').textContent()));
    must(one === other && one.length > 3, `${one} and ${other}`);
    await looked_at(bo, 'pair-number');
    await Promise.all([ana, bo].map((who) => click(who, 'Yes, the same')));
    await Promise.all([ana, bo].map((who) => sees(who, 'now hold one journal')));
    await Promise.all([ana, bo].map((who) => click(who, 'Go to the journal')));
    await sees(ana, 'What waits for you');
    await looked_at(ana, 'today-first');
    await looked_at(bo, 'today-first');
  });

  await step('Ana proposes a boundary', async () => {
    await click(ana, 'Write');
    await looked_at(ana, 'write');
    await ana.page.getByRole('button', { name: /^Propose a boundary/ }).click();
    await fill(ana, 'Title', 'Phones at dinner');
    await fill(ana, 'The words', 'We put our phones away at dinner.\nIf one of us is on call, we say so before.');
    await looked_at(ana, 'propose');
    await click(ana, 'Propose it');
    await sees(ana, 'Ana agreed to these words.');
  });

  await step('it appears at Bo’s without reloading', async () => {
    await sees(bo, 'to agree to, or not');
    await looked_at(bo, 'today-waits');
    await bo.page.getByRole('button', { name: /Phones at dinner/ }).first().click();
    await sees(bo, 'Agreeing means');
    await looked_at(bo, 'boundary');
  });

  await step('both type at once, and every keystroke of both is there', async () => {
    await Promise.all([ana, bo].map((who) => click(who, 'Change the words')));
    const field = (who) => who.page.getByLabel('The text as it stands now');
    await field(ana).evaluate((f) => f.setSelectionRange(f.value.length, f.value.length));
    await field(bo).evaluate((f) => f.setSelectionRange(0, 0));
    const [hers, his] = [' Nobody has to answer at once, and that is fine.', 'This is for the two of us. '];
    await Promise.all([field(ana).pressSequentially(hers, { delay: 25 }), field(bo).pressSequentially(his, { delay: 35 })]);
    const both = `${his}We put our phones away at dinner.\nIf one of us is on call, we say so before.${hers}`;
    for (const who of [ana, bo]) {
      await who.page.waitForFunction((text) => document.querySelector('textarea')?.value === text, both);
    }
    const at = await field(bo).evaluate((f) => f.selectionStart);
    must(at === his.length, `Bo's cursor is at ${at}, not ${his.length}`);
    await looked_at(bo, 'boundary-write');
    await looked_at(ana, 'boundary-write');
    await Promise.all([ana, bo].map((who) => click(who, 'Done writing')));
  });

  await step('both agree to exactly these words', async () => {
    await sees(ana, 'What changed since you last agreed');
    await looked_at(ana, 'boundary-agree');
    await Promise.all([ana, bo].map((who) => click(who, 'I agree to these words')));
    await Promise.all([ana, bo].map((who) => sees(who, 'You both agreed to exactly these words.')));
    await looked_at(bo, 'boundary-in-force');
    await click(bo, 'Today');
    await sees(bo, 'This is for the two of us.');
    await looked_at(bo, 'today');
  });

  await step('Ana keeps a feeling, which Bo does not see', async () => {
    await choose(ana, 'Write down how you feel');
    await fill(ana, 'How do you feel?', 'Uneasy, and hopeful.');
    await fill(ana, 'Because of what?', 'It is the first evening.');
    await ana.page.getByLabel('How strong is it?').selectOption('3');
    await looked_at(ana, 'feeling-new');
    await click(ana, 'Keep it for me');
    await sees(ana, 'Only on this device.');
    await looked_at(ana, 'feeling');
    await click(bo, 'Journal');
    await looked_at(bo, 'journal');
    await bo.page.getByRole('button', { name: /^Feelings/ }).click();
    await sees(bo, 'Nothing is written down yet.');
  });

  await step('they talk: told, heard, meant', async () => {
    await choose(ana, 'Begin a talk');
    await fill(ana, 'What is it about?', 'The messages');
    await click(ana, 'Keep it as a draft');
    await sees(ana, 'Only on this device.');
    await click(ana, 'Write on');
    must((await ana.page.getByLabel('What is it about?').inputValue()) === 'The messages', 'the draft is empty');
    await fill(ana, 'How it was for you', 'I found them by chance, and I felt alone.');
    await looked_at(ana, 'talk-new');
    await click(ana, 'Begin the talk');
    await sees(ana, 'Your side');
    await click(bo, 'Today');
    await bo.page.getByRole('button', { name: /The messages/ }).first().click();
    await fill(bo, 'What you heard Ana say', 'You found them by chance, and nobody was there.');
    await looked_at(bo, 'talk');
    await click(bo, 'That is what I heard');
    await click(ana, 'Yes, that is what I meant');
    await sees(bo, 'That is what was meant.');
    await looked_at(ana, 'talk');
  });

  await step('Bo gives an apology, and Ana answers it', async () => {
    await choose(bo, 'Write an apology');
    await looked_at(bo, 'apology-new');
    // One question at a time: what is not asked just now is not there, and at the end all of it is.
    await click(bo, 'One question at a time');
    await sees(bo, 'Question 1 of 5.');
    await looked_at(bo, 'apology-asked');
    await bo.page.keyboard.type('I wrote to somebody else in secret.');
    must(!(await button(bo, 'Keep the draft').isVisible()), 'it can be kept in the middle of a question');
    for (let n = 0; n < 3; n++) await click(bo, 'Next');
    await bo.page.keyboard.type('You can ask me anything, any evening.');
    await click(bo, 'Back');
    await sees(bo, 'Question 3 of 5.');
    for (let n = 0; n < 3; n++) await click(bo, 'Next');
    await sees(bo, 'This is what you wrote.');
    must((await bo.page.getByLabel('What I will change').inputValue()) === 'You can ask me anything, any evening.', 'the answer is lost');
    await click(bo, 'Keep the draft');
    await sees(bo, 'Only on this device.');
    await looked_at(bo, 'apology-draft');
    await click(bo, 'Give it');
    await sees(bo, 'There is no answer, and there need not be one.');
    await click(ana, 'Journal');
    await ana.page.getByRole('button', { name: /^Apologies/ }).click();
    await ana.page.getByRole('button', { name: /I wrote to somebody else/ }).click();
    await looked_at(ana, 'apology');
    await fill(ana, 'Some words with it, if you want', 'Thank you for saying it.');
    await click(ana, 'I have heard it');
    await sees(bo, 'Thank you for saying it.');
    await looked_at(bo, 'apology-answered');
  });

  await step('they plan, and keep a memory', async () => {
    await choose(bo, 'Make a plan');
    await fill(bo, 'What is it?', 'A day at the lake');
    await click(bo, 'Make the plan');
    await bo.page.locator('summary', { hasText: 'Add a step' }).click();
    await fill(bo, 'What is to be done', 'Borrow the boat');
    await bo.page.getByLabel('I would like it to be confirmed when it is done').check();
    await click(bo, 'Add a step');
    await sees(bo, 'Borrow the boat');
    await click(ana, 'Today');
    await ana.page.getByRole('button', { name: /A day at the lake/ }).first().click();
    await click(ana, 'It is done');
    await click(bo, 'Yes, it is done');
    await sees(bo, 'done and confirmed');
    await looked_at(bo, 'plan');
    await choose(ana, 'Keep a memory or an idea');
    await fill(ana, 'What was it like?', 'The boat turned over, and we laughed.');
    must(TELLS.every((told) => readFileSync(PHOTO).includes(told)), 'the photo tells nothing');
    await ana.page.getByLabel('Add photos').setInputFiles(PHOTO);
    await looked_at(ana, 'memory-new');
    await click(ana, 'Keep it');
    await sees(ana, 'was left out');
    const shown = (who) => who.page.waitForFunction(() => document.querySelector('.photo img')?.naturalWidth > 0);
    await shown(ana);
    await looked_at(ana, 'memory');
    await open(bo, 'Memories and ideas', /The boat turned over/);
    await shown(bo);
    await looked_at(bo, 'memory');
    const kept = await fetched(bo, 'Keep a copy');
    must(kept.name.endsWith('.jpeg') && kept.bytes.readUInt16BE() === 0xffd8, `${kept.name} is no photo`);
    for (const told of TELLS) must(!kept.bytes.includes(told), `the photo still says ${told}`);
  });

  await step('a photo that cannot be cleaned is refused, and one can be taken back', async () => {
    await ana.page.locator('summary', { hasText: 'Add photos' }).click();
    await ana.page.getByLabel('Which photos?').setInputFiles(PHOTO.replace('phone.jpg', 'other.tiff'));
    await click(ana, 'Add photos');
    await sees(ana, 'This is no JPEG, PNG or WebP');
    must((await ana.page.locator('.photo').count()) === 1, 'it was added');
    await looked_at(ana, 'photo-as-it-is');
    await click(ana, 'Leave it out');
    await ana.page.locator('main [role=alert]').filter({ hasText: 'other.tiff' }).waitFor({ state: 'detached' });
    must((await ana.page.locator('.photo').count()) === 1, 'it was added all the same');
    // Said twice, it is taken with all that it tells.
    await ana.page.getByLabel('Which photos?').setInputFiles(PHOTO.replace('phone.jpg', 'other.tiff'));
    await click(ana, 'Add photos');
    await click(ana, 'Add it as it is');
    await ana.page.waitForFunction(() => document.querySelectorAll('.photo').length === 2);
    const kept = await fetched({ page: { waitForEvent: (name) => ana.page.waitForEvent(name), getByRole: () => ({ first: () => ana.page.getByRole('button', { name: 'Keep a copy' }).last() }) } });
    must(kept.bytes.equals(readFileSync(PHOTO.replace('phone.jpg', 'other.tiff'))), 'it is not as it was');
    await ana.page.getByRole('button', { name: 'Take it back' }).last().click();
    await ana.page.waitForFunction(() => document.querySelectorAll('.photo').length === 1);
    await open(ana, 'Memories and ideas', /The boat turned over/);
    await ana.page.locator('summary', { hasText: 'Add photos' }).click();
    await ana.page.getByLabel('Which photos?').setInputFiles(PHOTO.replace('phone.jpg', 'palette.png'));
    await click(ana, 'Add photos');
    await ana.page.waitForFunction(() => document.querySelectorAll('.photo img').length === 2);
    await bo.page.waitForFunction(() => [...document.querySelectorAll('.photo img')].filter((img) => img.naturalWidth).length === 2);
    await ana.page.getByRole('button', { name: 'Take it back' }).last().click();
    await bo.page.waitForFunction(() => document.querySelectorAll('.photo').length === 1);
    must((await bo.page.getByRole('button', { name: 'Take it back' }).count()) === 0, 'Bo may take back what is Ana’s');
  });

  await step('a set time to talk, agreed and held', async () => {
    await choose(ana, 'Set a time to talk');
    await looked_at(ana, 'checkin-new');
    await click(ana, 'Propose it');
    await sees(ana, 'Ana agreed to these words.');
    await click(bo, 'Today');
    await bo.page.getByRole('button', { name: /Time to talk/ }).first().click();
    await looked_at(bo, 'checkin');
    await click(bo, 'I agree to these words');
    await sees(bo, 'You both agreed to exactly these words.');
    await click(ana, 'Journal');
    await ana.page.getByRole('button', { name: /^Times to talk/ }).click();
    await click(ana, 'Sit down together now');
    await looked_at(ana, 'sitting-begin');
    await click(ana, 'Begin');
    await sees(ana, 'Ana speaks');
    await looked_at(ana, 'sitting');
    await click(ana, 'Change turns');
    await sees(ana, 'Bo speaks');
    await click(ana, 'Enough for today');
    await fill(ana, 'What came of it, in one line', 'We said good night.');
    await looked_at(ana, 'sitting-over');
    await click(ana, 'Keep it');
    await sees(ana, 'We said good night.');
    await click(ana, 'Journal');
    await ana.page.getByRole('button', { name: /^Times to talk/ }).click();
    await click(ana, 'We sat down without this page');
    await fill(ana, 'What came of it, in one line', 'We walked, and talked.');
    await looked_at(ana, 'sat');
    await click(ana, 'Keep it');
    await sees(ana, 'We walked, and talked.');
    // Another time is another text, which needs both again.
    await open(bo, 'Times to talk', /19:30/);
    await click(bo, 'Change the words');
    await sees(bo, 'Change the set time');
    await fill(bo, 'At', '20:15');
    await click(bo, 'Save');
    await sees(bo, 'at 20:15, 20 minutes');
    await sees(bo, 'Nobody has agreed to these words yet.');
  });

  await step('the timeline, a search, what is due, how it came about', async () => {
    await click(bo, 'Timeline');
    await sees(bo, 'Quiet weeks are simply quiet.');
    await looked_at(bo, 'timeline');
    await click(bo, 'Journal');
    await click(bo, 'What is due');
    await fill(bo, 'Until', '2099-01-01');
    await looked_at(bo, 'due');
    await click(bo, 'Search');
    await fill(bo, 'Words', 'boat');
    await bo.page.keyboard.press('Enter');
    await bo.page.locator('mark').first().waitFor();
    await looked_at(bo, 'search');
    await click(bo, 'Today');
    await bo.page.getByRole('button', { name: /Phones at dinner/ }).first().click();
    await click(bo, 'How it came about');
    await sees(bo, 'Bo agreed');
    await looked_at(bo, 'history');
  });

  await step('a counselor’s list, space, and the settings', async () => {
    await choose(ana, 'Choose entries for a counselor');
    await ana.page.getByLabel('Boundary: Phones at dinner').check();
    await looked_at(ana, 'packet-new');
    await click(ana, 'Make this list');
    await ana.page.locator('summary', { hasText: 'Exactly what would be read' }).click();
    await looked_at(ana, 'packet');
    await ana.page.locator('summary', { hasText: 'Exactly what would be read' }).click();
    await ana.page.locator('summary', { hasText: 'Put more on it' }).click();
    await ana.page.getByLabel('Plan: A day at the lake').check();
    await click(ana, 'Put more on it');
    await sees(ana, 'A day at the lake');
    await open(bo, 'Counselor’s packets', /For our counselor/);
    await Promise.all([ana, bo].map((who) => click(who, 'I agree to this list')));
    await ana.page.locator('summary', { hasText: 'Make the sealed file' }).click();
    await ana.page.locator('summary', { hasText: 'For an age recipient' }).click();
    await fill(ana, 'For an age recipient instead', 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p');
    await looked_at(ana, 'packet-hand');
    const packet = await fetched(ana, 'Make the sealed file');
    must(packet.bytes.toString('latin1').startsWith('age-encryption.org/v1\n-> X25519 '), 'the packet is not sealed');
    await choose(bo, 'Ask for space');
    await fill(bo, 'A kind word', 'I am not angry.');
    await looked_at(bo, 'space-new');
    await bo.page.locator('main').getByRole('button', { name: 'Ask for space' }).click();
    await sees(bo, 'You asked for space');
    await looked_at(bo, 'space');
    await click(ana, 'Today');
    await sees(ana, 'I am not angry.');
    await looked_at(ana, 'today');
    await click(bo, 'End it now');
    await click(bo, 'Settings');
    await looked_at(bo, 'settings');
  });

  await step('what is wrong is looked at, and said', async () => {
    await click(bo, 'Look now');
    await sees(bo, 'Nothing is wrong that could be seen.');
    must((await bo.page.locator('.found li').count()) >= 10, 'too little was looked at');
    await looked_at(bo, 'doctor');
    await click(bo, 'Settings');
  });

  await step('files go out of the journal, and come into it', async () => {
    await click(bo, 'Files to take away or bring');
    await looked_at(bo, 'files');
    const all = await fetched(bo, 'Get everything, in the clear');
    must(all.bytes.toString('latin1', 0, 4) === 'PK\x03\x04' && all.bytes.includes('The boat turned over'), 'the export is no zip of the journal');
    must(!all.bytes.includes('Kamerawerk'), 'the export says with what a photo was taken');
    const backup = await fetched(bo, 'Get a backup');
    must(backup.bytes.length > 10000 && !backup.bytes.includes('The boat'), 'the backup is not sealed');
    await bo.page.getByLabel('Everything, not only').check();
    const bundle = await fetched(bo, 'Get the file');
    must(!bundle.bytes.includes('The boat'), 'the bundle is not sealed');
    await click(ana, 'Settings');
    await click(ana, 'Files to take away or bring');
    await ana.page.getByLabel('The file from Bo’s device').setInputFiles(bundle.path);
    await click(ana, 'Read it');
    await sees(ana, 'What is in it was here already.');
    await looked_at(ana, 'files');
    await ana.page.getByLabel('The file from Bo’s device').setInputFiles(PHOTO);
    await click(ana, 'Read it');
    await sees(ana, 'This is no file from your partner’s device.');
    await click(ana, 'Settings');
    await click(ana, 'Meet now');
    await ana.page.locator('form').getByRole('button', { name: 'Meet now' }).click();
    await sees(ana, 'They met.');
  });

  await merges();
  await at_once(ana, bo);

  await step('a connection that is lost is said, and what was typed meanwhile is kept and sent', async () => {
    const phones = async (who) => {
      await click(who, 'Today');
      await who.page.getByRole('button', { name: /Phones at dinner/ }).first().click();
    };
    await Promise.all([phones(ana), phones(bo)]);
    await click(ana, 'Change the words');
    at_ana.process.kill('SIGSTOP');
    const field = ana.page.getByLabel('The text as it stands now');
    await field.press('End');
    await field.pressSequentially(' Kept while nobody answered.');
    await sees(ana, 'does not answer');
    at_ana.process.kill('SIGCONT');
    await sees(bo, 'Kept while nobody answered.');
    await click(ana, 'Done writing');
    must((await ana.page.locator('.lost').count()) === 0, 'it still says that nothing answers');
  });

  await step('what comes when the page is locked already is drawn on nothing', async () => {
    // What Ana's page asks for because of Bo's words comes back once the page is locked.
    await sees(ana, 'Change the words');
    let asked, open;
    const on_its_way = new Promise((done) => (asked = done));
    const locked = new Promise((done) => (open = done));
    await ana.page.route('**/ask', async (route) => {
      if (!['show', 'history'].includes(route.request().postDataJSON().request)) return route.continue();
      const answer = await route.fetch();
      asked();
      await locked;
      return route.fulfill({ response: answer });
    });
    await click(bo, 'Change the words');
    const field = bo.page.getByLabel('The text as it stands now');
    await field.press('End');
    await field.pressSequentially(' And locked.');
    await on_its_way;
    spawnSync(BINARY, ['--home', at_ana.home, 'lock']);
    await sees(ana, 'Your journal is locked');
    open();
    await ana.page.unrouteAll({ behavior: 'wait' });
    await click(bo, 'Done writing');
    await fill(ana, 'Passphrase', PASS);
    await click(ana, 'Open');
    await sees(ana, 'And locked.');
  });

  await step('a text stays a text, whatever it says', async () => {
    await choose(bo, 'Propose a boundary');
    const odd = '<img src=x onerror="document.title=1"><script>document.title=2</script> & \u202e"\'';
    await fill(bo, 'The words', odd);
    await click(bo, 'Propose it');
    await ana.page.getByRole('button', { name: 'Today' }).click();
    await ana.page.getByRole('button', { name: /<img src=x/ }).first().click();
    must((await ana.page.locator('.words .prose').first().textContent()) === odd, 'the text is another');
    must((await ana.page.locator('main img, main script').count()) === 0 && (await ana.page.title()) === 'Amends', 'a text became an element');
    await click(ana, 'No, I do not agree');
    await sees(bo, 'declined');
  });

  await step('by keyboard alone', async () => {
    await click(bo, 'Today');
    const { keyboard } = bo.page;
    const reach = async (name) => {
      for (let n = 0; n < 60; n++) {
        await keyboard.press('Tab');
        if (await bo.page.evaluate((name) => document.activeElement?.innerText?.includes(name), name)) {
          const seen = await bo.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none');
          must(seen, `the focus on ${name} cannot be seen`);
          return keyboard.press('Enter');
        }
      }
      throw new Error(`${name} cannot be reached`);
    };
    await reach('Phones at dinner');
    await sees(bo, 'What changed since you last agreed');
    await reach('I agree to these words');
    await sees(bo, 'Bo agreed to these words.');
  });

  await step('narrow as a phone at 400 %, dark, and in German', async () => {
    await bo.page.setViewportSize({ width: 320, height: 256 });
    await bo.page.emulateMedia({ colorScheme: 'dark' });
    for (const place of ['Today', 'Journal', 'Timeline', 'Settings']) {
      await bo.page.getByRole('button', { name: place, exact: true }).click();
      await bo.page.locator('h1').waitFor();
      const wide = await bo.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      must(wide <= 0, `${place} is ${wide} px too wide`);
    }
    await bo.page.setViewportSize({ width: 1280, height: 800 });
    await click(bo, 'Deutsch');
    await click(bo, 'Heute');
    await sees(bo, 'Was gilt');
    await looked_at(bo, 'today-german-dark');
    await bo.page.getByRole('button', { name: /Phones at dinner/ }).first().click();
    await looked_at(bo, 'boundary-german-dark');
    const missing = await bo.page.evaluate(async () => {
      const [en, de] = await Promise.all(['en', 'de'].map(async (tag) => (await import(`/words/${tag}.js`)).default));
      const keys = (words) => new Set(Object.keys(words).flatMap((key) => key.split(' ')));
      return [...keys(en)].filter((key) => !keys(de).has(key));
    });
    must(missing.length === 0, `German lacks ${missing}`);
    await click(bo, 'Die Worte ändern');
    await bo.page.getByLabel('Der Text, wie er jetzt ist').fill(' ');
    await sees(bo, 'Hier fehlen noch Worte.');
    await bo.page.getByLabel('Der Text, wie er jetzt ist').fill('Wir legen die Telefone weg.');
    await click(bo, 'Fertig geschrieben');
  });

  await step('gone at once, and locked', async () => {
    for (let n = 0; n < 3; n++) await ana.page.keyboard.press('Shift');
    await ana.page.waitForURL('about:blank');
    await ana.page.goto(at_ana.origin);
    await sees(ana, 'Your journal is locked');
    await looked_at(ana, 'locked');
    await fill(ana, 'Passphrase', 'wrong');
    await click(ana, 'Open');
    await ana.page.locator('.failed').filter({ hasText: /./ }).first().waitFor();
    await fill(ana, 'Passphrase', PASS);
    await click(ana, 'Open');
    await sees(ana, 'What waits for you');
  });

  await step('another passphrase, and the kit where it is forgotten', async () => {
    await click(ana, 'Settings');
    await click(ana, 'Change the passphrase');
    await fill(ana, 'The passphrase of today', PASS);
    await fill(ana, 'Choose a passphrase', 'another one');
    await fill(ana, 'The passphrase once more', 'another two');
    await click(ana, 'Change the passphrase');
    await sees(ana, 'These two are not the same.');
    await fill(ana, 'The passphrase once more', 'another one');
    await click(ana, 'Change the passphrase');
    await sees(ana, 'The passphrase is changed.');
    await click(ana, 'Lock the journal');
    await fill(ana, 'Passphrase', PASS);
    await click(ana, 'Open');
    await ana.page.locator('.failed').filter({ hasText: /./ }).first().waitFor();
    await click(ana, 'Forgot it? Open it with your recovery kit');
    await looked_at(ana, 'forgot');
    await fill(ana, 'The words, in the order of their numbers', kit.join(' '));
    await fill(ana, 'Choose a passphrase', 'a third one');
    await fill(ana, 'The passphrase once more', 'a third one');
    await click(ana, 'Open');
    // Where somebody was, they are again.
    await sees(ana, 'Lock the journal');
  });

  await everybody(ana, bo);

  await comes_back([ana, at_ana, 'a third one'], [bo, at_bo, PASS]);

  await over(ana, bo);
});
