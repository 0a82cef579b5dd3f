// The first view: what waits for me, what is in force, what we planned.

import { ask } from './api.js';
import { fold, h, h1, h2, prose, put } from './dom.js';
import { pages, part } from './journal.js';
import { FEW, action, frame, go, refreshStatus, state, view } from './shell.js';
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

/** A row of what waits. */
const waiting = (one) => row(one, t(`why.${one.why}`));

view('waits', async (_, root) => {
  const kept = {};
  const load = async (skip, most) => (await ask({ request: 'status', part: { skip, most } })).waiting_for_me;
  const fill = async () => put(root, h1('today.waits'), await pages(load, (all) => all.map(waiting), t('today.waits.none'), kept));
  await fill();
  return { changed: () => fill().catch(() => {}) };
});

view('today', async (_, root) => {
  let going = false;
  let once_more = false;
  const fill = async () => {
    if (going) return void (once_more = true);
    going = true;
    // All at once; before there is a partner the journal has no lists.
    const none = () => [];
    const [status, force, planned] = await Promise.all([refreshStatus(), part('boundary', 'in_force')(0, FEW + 1).catch(none), part('plan', 'open')(0, FEW).catch(none)]);
    draw(status, force, planned);
    going = false;
    if (once_more) {
      once_more = false;
      fill().catch(() => (going = false));
    }
  };
  const more = (label, view, args) => h('p', null, h('button.link', { onclick: () => go(view, { place: 'all', ...args }) }, label));
  const section = (title, none, rows, ...rest) => h('section', null, h('h2', null, title), rows.length ? h('ul.entries', null, rows) : h('p.calm', null, none), rest);
  const draw = (status, force, planned) => {
    put(root,
      h1('today.hello', { name: status.name }),
      status.partner === null ? h('div.card', null, h('p', null, t('today.unpaired')), action(t('pair.title'), () => go('pair'), { kind: 'main', key: 'pair' })) : null,
      status.unconfirmed ? h('p.card', null, t('today.unconfirmed')) : null,
      status.spaces.map((space) => h('div.card', null, h('p', null, t(space.mine ? 'today.space.mine' : 'today.space.theirs', { name: space.by, when: moment(space.until) })), space.words ? prose(space.words) : null)),
      state.knows ? null : h('div.card', null, h2('today.exit'), h('p', null, t('leave.how')), action(t('today.exit.ok'), () => { state.knows = true; fill(); })),
      status.partner === null ? null : [
        section(t('today.waits'), t('today.waits.none'), status.waiting_for_me.map(waiting), status.waiting > FEW ? more(t('today.waits.all'), 'waits') : null),
        section(t('today.force'), t('today.force.none'), force.slice(0, FEW).map((entry) => row({ ...entry, words: entry.in_force }, entry.title ? entry.in_force.slice(0, 200) : null)),
          force.length > FEW ? more(t('today.force.all'), 'kind', { kind: 'boundary', of: 'in_force' }) : null),
        section(t('today.plans'), t('today.plans.none'), planned.map((plan) => row(plan, plan.date ? day(plan.date) : null))),
        status.held.length ? section(t('today.held'), '', status.held.map((one) => row(one, one.until ? moment(one.until) : null))) : null,
        status.this_day.length ? section(t('today.day'), '', status.this_day.map((one) => row(one))) : null,
        h('footer.quiet', null,
          status.next_checkin ? h('p', null, t('today.next', { when: moment(status.next_checkin) })) : null,
          h('p', null, status.connected ? t('today.with') : status.last_met ? t('today.met', { when: moment(status.last_met) }) : t('today.never')),
          status.not_reached ? h('p', null, t('today.notreached', { n: status.not_reached, partner: status.partner })) : null,
          status.not_come ? h('p', null, t('today.notcome', { n: status.not_come, partner: status.partner })) : null,
          status.photos_to_come + status.photos_to_go ? h('p', null, t('today.photos')) : null,
          status.older ? h('p', null, t(`today.older.${status.older}`, { partner: status.partner })) : null,
          status.incarnations.copy ? h('p', null, t('today.copy')) : null,
          status.refused.length ? fold(t('today.refused', { n: status.refused.length }), status.refused.map((line) => prose(line))) : null),
      ]);
    frame();
  };
  await fill();
  return { changed: () => fill().catch(() => (going = false)) };
});
