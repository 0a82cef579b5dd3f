// The journal on this device: its kit, its calendar, locking, leaving, safety.

import { post } from './api.js';
import { h, labelled, put, tick } from './dom.js';
import { keep } from './files.js';
import { action, again, away, form, go, note, state, view } from './shell.js';
import { paper, tongues } from './start.js';
import { moment, t } from './words.js';

view('settings', (_, root) => {
  const titles = h('input');
  put(root,
    h('h1', null, t('nav.settings')),
    h('section', null, h('h2', null, t('set.language')), tongues(again)),
    state.status?.partner === null ? h('section', null, h('h2', null, t('pair.title')), h('div.row', null, action(t('pair.title'), () => go('pair')))) : h('section', null, h('h2', null, t('meet.devices')), h('p.help', null, state.status?.last_met ? t('today.met', { when: moment(state.status.last_met) }) : t('today.never')), h('div.row', null, action(t('meet.title'), () => go('meet', { place: 'settings' })))),
    h('section', null, h('h2', null, t('set.lock')), h('p.help', null, t('leave.how')), h('div.row', null, action(t('set.lock.now'), async () => { await post('/lock'); }))),
    h('section', null, h('h2', null, t('kit.title')), h('p.help', null, t('start.kit.help')), h('div.row', null, action(t('set.kit.new'), () => go('set-kit', { fresh: true, place: 'settings' })), action(t('set.kit.check'), () => go('set-kit', { fresh: false, place: 'settings' })))),
    h('section', null, h('h2', null, t('set.calendar')), h('p.help', null, t('set.calendar.help')), tick(t('set.calendar.titles'), titles), h('div.row', null, action(t('set.calendar.get'), () => keep('/calendar', { titles: titles.checked }, 'amends.ics')))),
    h('section', null, h('h2', null, t('file.title')), h('p.help', null, t('set.files.help')), h('div.row', null, action(t('file.open'), () => go('files', { place: 'settings' })))),
    h('section', null, h('h2', null, t('lock.pass')), h('div.row', null, action(t('pass.title'), () => go('set-pass', { place: 'settings' })))),
    h('section', null, h('h2', null, t('set.leave')), h('p', null, t('set.leave.help')), h('p', null, h('code', null, 'amends leave'))),
    h('section', null, h('h2', null, t('set.safety')), h('p', null, h('button.link', { onclick: () => go('safety') }, t('start.safety')))));
});

view('set-kit', ({ fresh }, root) => {
  const pass = h('input', { type: 'password', autocomplete: 'current-password' });
  put(root,
    h('h1', null, t(fresh ? 'set.kit.new' : 'set.kit.check')),
    h('p.lead', null, t(fresh ? 'set.kit.new.help' : 'set.kit.check.help')),
    form({
      submit: t('next'),
      busy: t('lock.opening'),
      work: async () => {
        const sheet = await post('/kit', { passphrase: pass.value, new: fresh });
        pass.value = '';
        paper(root, sheet, {
          done: async (words) => {
            const made = await post('/kit/finish', { words });
            note(t(made ? 'kit.done' : 'kit.right'));
            go('settings', {}, { replace: true });
          },
          cancel: () => go('settings', {}, { replace: true }),
        });
      },
    }, labelled(t('lock.pass'), pass)));
});
