// The first view: what waits for me, what is in force, what we planned.

import { ask } from './api.js';
import { h, prose, put } from './dom.js';
import { paged, part } from './journal.js';
import { action, frame, go, refreshStatus, state, view } from './shell.js';
import { day, moment, t } from './words.js';

/** A row that leads to an entry. */
export function row(entry, detail) {
  const called = entry.title || entry.words || t(`kind.${entry.kind}`);
  return h('li', null, h('button.entry', { 'data-key': entry.id, onclick: () => open(entry) },
    h('span.kind', null, t(`kind.${entry.kind}`)), h('span.called', { dir: 'auto' }, called), detail ? h('span.detail', { dir: 'auto' }, detail) : null));
}

/** The view of an entry, whatever its kind. */
export function open(entry) {
  const of = { boundary: 'agreement', lesson: 'agreement', checkin: 'agreement', unread: 'agreement' }[entry.kind] ?? entry.kind;
  return go(of, { id: entry.id, kind: entry.kind });
}

view('today', async (_, root) => {
  let going = false;
  let once_more = false;
  const fill = async () => {
    if (going) return void (once_more = true);
    going = true;
    // All at once; before there is a partner the journal has no lists.
    const none = () => [];
    const [status, force, planned] = await Promise.all([refreshStatus(), part('boundary', 'in_force')(0, 7).catch(none), part('plan', 'open')(0, 6).catch(none)]);
    draw(status, force, planned);
    going = false;
    if (once_more) {
      once_more = false;
      fill().catch(() => (going = false));
    }
  };
  const section = (title, none, all, make) => h('section', null, h('h2', null, title), paged(all.map((one) => () => make(one)), none));
  const draw = (status, force, planned) => {
    put(root,
      h('h1', null, t('today.hello', { name: status.name })),
      status.partner === null ? h('div.card', null, h('p', null, t('today.unpaired')), action(t('pair.title'), () => go('pair'), { kind: 'main', key: 'pair' })) : null,
      status.unconfirmed ? h('p.card', null, t('today.unconfirmed')) : null,
      (status.spaces ?? []).map((space) => h('div.card', null, h('p', null, t(space.mine ? 'today.space.mine' : 'today.space.theirs', { name: space.by, when: moment(space.until) })), space.words ? prose(space.words) : null)),
      state.knows ? null : h('div.card', null, h('h2', null, t('today.exit')), h('p', null, t('leave.how')), action(t('today.exit.ok'), () => { state.knows = true; fill(); })),
      status.partner === null ? null : [
        section(t('today.waits'), t('today.waits.none'), status.waiting_for_me, (waits) => row(waits, t(`why.${waits.why}`))),
        h('section', null, h('h2', null, t('today.force')), force.length ? h('ul.entries', null, force.slice(0, 6).map((entry) => row({ ...entry, words: entry.in_force }, entry.title ? entry.in_force.slice(0, 200) : null))) : h('p.calm', null, t('today.force.none')),
          force.length > 6 ? h('p', null, h('button.link', { onclick: () => go('kind', { kind: 'boundary', of: 'in_force', place: 'all' }) }, t('today.force.all'))) : null),
        section(t('today.plans'), t('today.plans.none'), planned, (plan) => row(plan, plan.date ? day(plan.date) : null)),
        (status.this_day ?? []).length ? section(t('today.day'), '', status.this_day, (waits) => row(waits)) : null,
        h('footer.quiet', null,
          status.next_checkin ? h('p', null, t('today.next', { when: moment(status.next_checkin) })) : null,
          h('p', null, status.connected ? t('today.with') : status.last_met ? t('today.met', { when: moment(status.last_met) }) : t('today.never')),
          status.not_reached ? h('p', null, t('today.notreached', { n: status.not_reached, partner: status.partner })) : null,
          status.refused.length ? h('details', null, h('summary', null, t('today.refused', { n: status.refused.length })), status.refused.map((line) => prose(line))) : null),
      ]);
    frame();
  };
  await fill();
  return { changed: () => fill().catch(() => (going = false)) };
});
