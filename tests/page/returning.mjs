// What breaks, and comes back: a way that brings the first of a long text and not the rest, a store that is damaged is mended in the page, or said to be beyond that, a backup is looked at, and a journal is made
// of it from an empty home.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

import { choose, click, device, fill, free, looked_at, must, person, room, sees, step } from './house.mjs';

const ended = (device) => new Promise((gone) => {
  device.process.once('exit', gone);
  device.process.kill('SIGTERM');
});

/** One other byte of a store, where its list of entries is. */
function damage(path) {
  const bytes = readFileSync(path);
  bytes[2 * 4096 + 4060] ^= 0x55;
  writeFileSync(path, bytes);
}

/** Other bytes on every page of a store but the first. */
function ruin(path) {
  const bytes = readFileSync(path);
  for (let at = 4096; at < bytes.length; at += 4096) bytes.fill(0x55, at + 3000, at + 4000);
  writeFileSync(path, bytes);
}

/** A way to a port that carries this many bytes there on each connection, and the rest once it is opened. */
async function narrow(port, bytes) {
  const waiting = [];
  let opened = false;
  const server = createServer((here) => {
    const there = connect(port, '127.0.0.1');
    let left = bytes;
    here.on('data', (data) => {
      const now = opened ? data.length : Math.min(left, data.length);
      left -= now;
      there.write(data.subarray(0, now));
      if (now < data.length) {
        here.pause();
        waiting.push(() => {
          there.write(data.subarray(now));
          here.resume();
        });
      }
    });
    there.on('data', (data) => here.write(data));
    for (const [one, other] of [[here, there], [there, here]]) one.on('error', () => other.destroy()).on('close', () => other.destroy());
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    at: `127.0.0.1:${server.address().port}`,
    open: () => {
      opened = true;
      for (const carries of waiting) carries();
    },
  };
}

export async function comes_back([ana, at_first, passphrase], [bo, at_bo, passphrase_of_bo]) {
  const { page } = ana;
  const port = await free();
  const way = await narrow(port, 20_000);
  // Where Bo is, since nothing is announced here.
  const starts = () => device('ana', { peer: way.at });
  let at_ana = at_first;
  let backup;

  await step('what is still to come is counted, and no more once it came', async () => {
    await Promise.all([ended(at_ana), ended(at_bo)]);
    at_ana = await starts();
    await page.goto(at_ana.address);
    await fill(ana, 'Passphrase', passphrase);
    await click(ana, 'Open');
    await choose(ana, 'Propose a boundary');
    // Nothing that could be said in fewer bytes.
    await fill(ana, 'The words', randomBytes(60_000).toString('base64'));
    await click(ana, 'Propose it');
    await sees(ana, 'Not on Bo’s device yet.');
    const at = await device('bo', { listen: `127.0.0.1:${port}` });
    await bo.page.goto(at.address);
    await fill(bo, 'Passphrase', passphrase_of_bo);
    await click(bo, 'Open');
    await sees(bo, /Not here yet of what Ana wrote: [1-9]/);
    way.open();
    await bo.page.waitForFunction(() => !document.body.innerText.includes('Not here yet'));
    await sees(bo, 'Your devices are in touch.');
  });

  await step('a backup is taken, and looked at', async () => {
    await click(ana, 'Settings');
    await click(ana, 'Files to take away or bring');
    const [file] = await Promise.all([page.waitForEvent('download'), click(ana, 'Get a backup')]);
    backup = join(room, 'ana.backup');
    await file.saveAs(backup);
    await click(ana, 'Look at a backup');
    await looked_at(ana, 'backup-check');
    await page.getByLabel('The backup').setInputFiles(backup);
    await fill(ana, 'The passphrase of that day', 'not this one');
    await click(ana, 'Look at it');
    await page.locator('.failed').filter({ hasText: /./ }).first().waitFor();
    await fill(ana, 'The passphrase of that day', passphrase);
    await click(ana, 'Look at it');
    await sees(ana, 'It is whole, and it opens.');
    const cut = join(room, 'cut.backup');
    writeFileSync(cut, readFileSync(backup).subarray(0, -1000));
    await page.getByLabel('The backup').setInputFiles(cut);
    await fill(ana, 'The passphrase of that day', passphrase);
    await click(ana, 'Look at it');
    await sees(ana, 'This backup is not whole');
    await page.getByLabel('The backup').setInputFiles({ name: 'photo.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no backup at all') });
    await click(ana, 'Look at it');
    await sees(ana, 'This is no backup.');
  });

  let again;
  await step('a store that is damaged is said to be so, and mended', async () => {
    await ended(at_ana);
    damage(join(at_ana.home, 'private.db'));
    again = await starts();
    await page.goto(again.address);
    await sees(ana, 'Your journal is locked');
    await fill(ana, 'Passphrase', passphrase);
    await click(ana, 'Open');
    await sees(ana, 'Something on the disk cannot be read.');
    await click(ana, 'Is something wrong?');
    await fill(ana, 'Passphrase', passphrase);
    await click(ana, 'Look now');
    await sees(ana, 'What is private');
    await sees(ana, 'Something on the disk cannot be read.');
    await looked_at(ana, 'doctor-wrong');
    await fill(ana, 'Passphrase', passphrase);
    await page.getByLabel('Mend what is damaged, too').check();
    await click(ana, 'Look now');
    await sees(ana, 'Nothing is wrong that could be seen.');
    await looked_at(ana, 'doctor-mended');
    await click(ana, 'Today');
    await sees(ana, 'What is in force');
  });

  await step('one that cannot be mended says so, and what is left to do', async () => {
    await ended(again);
    ruin(join(at_ana.home, 'private.db'));
    again = await starts();
    await page.goto(again.address);
    await click(ana, 'Is something wrong?');
    await fill(ana, 'Passphrase', passphrase);
    await page.getByLabel('Mend what is damaged, too').check();
    await click(ana, 'Look now');
    await sees(ana, 'Come back from a backup, or make a new journal');
    await looked_at(ana, 'doctor-beyond-repair');
    await click(ana, 'Back');
    await sees(ana, 'Your journal is locked');
  });

  await step('a journal is made of a backup, from an empty home', async () => {
    await ended(again);
    const back = await device('back');
    const who = await person('Ana', 'desk');
    await who.page.goto(back.address);
    await sees(who, 'A journal for the two of you');
    await click(who, 'I have a backup of my journal');
    await looked_at(who, 'backup-restore');
    await who.page.getByLabel('The backup').setInputFiles(backup);
    await fill(who, 'The passphrase of that day', 'not this one');
    await click(who, 'Make my journal of it');
    await who.page.locator('.failed').filter({ hasText: /./ }).first().waitFor();
    await fill(who, 'The passphrase of that day', passphrase);
    await click(who, 'Make my journal of it');
    await sees(who, 'Your journal is back.');
    await looked_at(who, 'today-back');
    must((await who.page.locator('.entry', { hasText: 'What we saw' }).count()) + (await who.page.locator('.entry', { hasText: 'A day at the lake' }).count()) > 0, 'nothing of it is there');
    must(who.odd.length === 0, who.odd.join('\n'));
  });
}
