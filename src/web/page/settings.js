// The journal on this device: its kit, its calendar, locking, leaving, safety.

import { post } from './api.js';
import { beside, h, h1, help, labelled, lead, linked, put, secret, section, tick } from './dom.js';
import { keep } from './files.js';
import { action, again, form, go, note, state, view } from './shell.js';
import { paper, tongues } from './start.js';
import { moment, t } from './words.js';

view('settings', (_, root) => {
  const titles = h('input');
  put(root,
    h1('nav.settings'),
    section('set.language', tongues(again)),
    state.status?.partner === null ? section('pair.title', beside(action(t('pair.title'), () => go('pair')))) : section('meet.devices', h('p.help', null, state.status?.last_met ? t('today.met', { when: moment(state.status.last_met) }) : t('today.never')), beside(action(t('meet.title'), () => go('meet', { place: 'settings' })))),
    section('set.lock', help('leave.how'), beside(action(t('set.lock.now'), async () => { await post('/lock'); }))),
    section('kit.title', help('start.kit.help'), beside(action(t('set.kit.new'), () => go('set-kit', { fresh: true, place: 'settings' })), action(t('set.kit.check'), () => go('set-kit', { fresh: false, place: 'settings' })))),
    section('set.calendar', help('set.calendar.help'), tick(t('set.calendar.titles'), titles), beside(action(t('set.calendar.get'), () => keep('/calendar', { titles: titles.checked }, 'amends.ics')))),
    section('file.title', help('set.files.help'), beside(action(t('file.open'), () => go('files', { place: 'settings' })))),
    section('doctor.title', help('doctor.lead'), beside(action(t('doctor.look'), () => go('doctor', { place: 'settings' })))),
    section('lock.pass', beside(action(t('pass.title'), () => go('set-pass', { place: 'settings' })))),
    section('set.leave', h('p', null, t('set.leave.help')), h('p', null, h('code', null, 'amends leave'))),
    section('set.safety', linked('start.safety', () => go('safety'))));
});

view('set-kit', ({ fresh }, root) => {
  const pass = secret();
  put(root,
    h1(fresh ? 'set.kit.new' : 'set.kit.check'),
    lead(fresh ? 'set.kit.new.help' : 'set.kit.check.help'),
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
