// Files that go out of the journal and come into it, and the passphrase.

import { ask, bring, bytes, entered, forget, post, Failure } from './api.js';
import { beside, calm, exact, fold, h, h1, h2, help, labelled, lead, linked, put, secret, section, spoken, tick } from './dom.js';
import { action, form, frame, go, note, refreshStatus, state, view, words } from './shell.js';
import { chosen, hear, inside, twentyfour } from './start.js';
import { moment, t } from './words.js';

/** Gives a file to the browser to keep. */
export async function keep(path, body, name) {
  const blob = await bytes(path, body);
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const shelf = (name, ...children) => section(`file.${name}`, help(`file.${name}.help`), children);
/** A button that makes a file, and says that it works on it. */
const get = (name, path, body, file) => form({ submit: t(`file.${name}.get`), busy: t('file.busy'), quiet: true, work: () => keep(path, body(), file) });

view('files', (_, root) => {
  const { partner } = state.status;
  const all = h('input');
  const photos = h('input', { checked: true });
  const bundle = h('input', { type: 'file' });
  put(root,
    h1('file.title'),
    shelf('export', get('export', '/export', () => null, 'amends-export.zip')),
    shelf('backup', get('backup', '/backup', () => null, 'amends.backup'), beside(action(t('check.title'), () => go('backup', { place: 'settings' })))),
    partner === null ? null : [
      shelf('bundle', form({ submit: t('file.bundle.get'), busy: t('file.busy'), quiet: true, work: () => keep('/bundle/write', { all: all.checked, photos: photos.checked }, `for-${partner}.amends`) },
        tick(t('file.bundle.photos'), photos), tick(t('file.bundle.all', { partner }), all))),
      shelf('read', form({ submit: t('file.read.get'), busy: t('file.busy'), quiet: true, work: async () => {
        if (!bundle.files.length) return;
        const { received, already_here, waiting, refused } = await bring('/bundle/read', bundle.files[0]);
        note([t('file.read.came', { n: received }), already_here && !received ? t('file.read.known') : '', waiting ? t('file.read.waits') : '', refused ? t('file.read.refused') : ''].filter(Boolean).join(' '));
      } }, labelled(t('file.read.which', { partner }), bundle))),
    ]);
});

// A backup is looked at, or a journal is made of it where there is none: it opens with what opened the journal that day.
view('backup', ({ restore = false }, root) => {
  const name = restore ? 'restore' : 'check';
  const backup = h('input', { type: 'file' });
  const pass = secret();
  const kit = twentyfour();
  let there = null;
  put(root, h1(`${name}.title`), lead(`${name}.lead`), form({
    submit: t(`${name}.do`),
    busy: t('file.busy'),
    work: async () => {
      const [file] = backup.files;
      if (!file) throw new Failure({ code: 'nothing_chosen', message: t('backup.none') });
      // A passphrase that was mistyped is typed again, without bringing the file again.
      if (there !== file) await bring('/backup/bring', file);
      there = file;
      const stand = await post(`/backup/${name}`, kit.value.trim() ? { words: kit.value } : { passphrase: pass.value }, true);
      pass.value = kit.value = '';
      if (restore) await inside(stand);
      note(t(`${name}.done`));
    },
  }, labelled(t('backup.file'), backup), labelled(t('backup.pass'), pass), fold(t('lock.forgot'), labelled(t('forgot.words'), kit))),
  beside(action(t('cancel'), () => history.back())));
});

// What is wrong, its cause first, and what to do next. It also works where the journal does not open.
view('doctor', (_, root) => {
  const pass = secret();
  const mend = h('input');
  const peer = exact();
  const found = spoken();
  const told = (one) => (one.code ? words(new Failure(one)) : t(one.state === 'ok' ? 'doctor.ok' : 'doctor.unseen'));
  const draw = (all) => {
    const [worst] = all;
    const wrong = worst.state === 'failed';
    put(found,
      h('section.means', null, h2(wrong ? `check.${worst.check}` : 'doctor.well'), wrong ? h('p', null, told(worst)) : null),
      h('details', { open: !wrong }, h('summary', null, t('doctor.all')), h('ul.found', null, all.map((one) => h('li', { class: one.state }, h('span', null, t(`check.${one.check}`)), h('span.detail', null, told(one)))))));
  };
  const look = async () => {
    const repair = mend.checked;
    state.mending = repair;
    try {
      const { findings, ...stand } = await post('/doctor', { passphrase: pass.value, repair, peer: peer.value.trim() || null }, true);
      if (stand.session) hear(stand);
      else if (repair) forget();
      draw(findings);
    } finally {
      state.mending = mend.checked = false;
      pass.value = '';
    }
    if (repair && entered()) await refreshStatus();
    frame();
  };
  const wish = form({ submit: t('doctor.look'), busy: t('doctor.busy'), work: look },
    labelled(t('lock.pass'), pass, t('doctor.pass')), h('div.field', null, tick(t('doctor.mend'), mend), help('doctor.mend.help')),
    fold(t('pair.where'), labelled(t('pair.where'), peer)));
  put(root, h1('doctor.title'), lead('doctor.lead'), found, wish,
    linked('back', () => (entered() ? go('settings') : go('lock'))));
  if (!entered()) return;
  put(found, calm('doctor.busy'));
  look().catch((error) => put(found, h('p.failed', null, words(error))));
});

view('set-pass', (_, root) => {
  const now = secret();
  const pass = chosen(t('start.pass'), t('start.pass.help'));
  put(root, h1('pass.title'), lead('pass.means'), form({
    submit: t('pass.title'),
    busy: t('lock.opening'),
    work: async () => {
      await post('/passphrase', { passphrase: now.value, new: pass.take() });
      now.value = '';
      pass.clear();
      note(t('pass.done'));
      go('settings', {}, { replace: true });
    },
  }, labelled(t('pass.now'), now), pass.shown));
});

// Meeting now, where the two devices do not find each other by themselves.
view('meet', (_, root) => {
  const { partner, last_met } = state.status;
  const peer = exact();
  put(root, h1('meet.title'), lead('meet.help', { partner }), last_met ? help('today.met', { when: moment(last_met) }) : null, form({
    submit: t('meet.title'),
    busy: t('meet.busy'),
    work: async () => {
      const { sent, received } = await ask({ request: 'sync', timeout_ms: 30000, peer: peer.value.trim() || null });
      await refreshStatus();
      note(t(sent + received ? 'meet.done' : 'meet.same'));
      // Who went elsewhere meanwhile stays there.
      if (root.isConnected) go('today', {}, { replace: true });
    },
  }, fold(t('pair.where'), labelled(t('pair.where'), peer, t('meet.where')))));
});
