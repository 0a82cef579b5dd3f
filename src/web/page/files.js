// Files that go out of the journal and come into it, and the passphrase.

import { ask, bring, bytes, post } from './api.js';
import { h, labelled, put, tick } from './dom.js';
import { action, form, go, note, refreshStatus, state, view } from './shell.js';
import { chosen } from './start.js';
import { moment, t } from './words.js';

/** Gives a file to the browser to keep. */
export async function keep(path, body, name) {
  const blob = await bytes(path, body);
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const section = (name, ...children) => h('section', null, h('h2', null, t(`file.${name}`)), h('p.help', null, t(`file.${name}.help`)), ...children);
/** A button that makes a file, and says that it works on it. */
const get = (name, path, body, file) => form({ submit: t(`file.${name}.get`), busy: t('file.busy'), quiet: true, work: () => keep(path, body(), file) });

view('files', (_, root) => {
  const { partner } = state.status;
  const all = h('input');
  const photos = h('input', { checked: true });
  const bundle = h('input', { type: 'file' });
  put(root,
    h('h1', null, t('file.title')),
    section('export', get('export', '/export', () => null, 'amends-export.zip')),
    section('backup', get('backup', '/backup', () => null, 'amends.backup')),
    partner === null ? null : [
      section('bundle', form({ submit: t('file.bundle.get'), busy: t('file.busy'), quiet: true, work: () => keep('/bundle/write', { all: all.checked, photos: photos.checked }, `for-${partner}.amends`) },
        tick(t('file.bundle.photos'), photos), tick(t('file.bundle.all', { partner }), all))),
      section('read', form({ submit: t('file.read.get'), busy: t('file.busy'), quiet: true, work: async () => {
        if (!bundle.files.length) return;
        const { received, already_here, waiting, refused } = await bring('/bundle/read', bundle.files[0]);
        note([t('file.read.came', { n: received }), already_here && !received ? t('file.read.known') : '', waiting ? t('file.read.waits') : '', refused ? t('file.read.refused') : ''].filter(Boolean).join(' '));
      } }, labelled(t('file.read.which', { partner }), bundle))),
    ]);
});

view('set-pass', (_, root) => {
  const now = h('input', { type: 'password', autocomplete: 'current-password' });
  const pass = chosen(t('start.pass'), t('start.pass.help'));
  put(root, h('h1', null, t('pass.title')), h('p.lead', null, t('pass.means')), form({
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
  const peer = h('input', { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  put(root, h('h1', null, t('meet.title')), h('p.lead', null, t('meet.help', { partner })), last_met ? h('p.help', null, t('today.met', { when: moment(last_met) })) : null, form({
    submit: t('meet.title'),
    busy: t('meet.busy'),
    work: async () => {
      const { sent, received } = await ask({ request: 'sync', timeout_ms: 30000, peer: peer.value.trim() || null });
      note(t(sent + received ? 'meet.done' : 'meet.same'));
      await refreshStatus();
      go('today', {}, { replace: true });
    },
  }, h('details', null, h('summary', null, t('pair.where')), labelled(t('pair.where'), peer, t('meet.where')))));
});
