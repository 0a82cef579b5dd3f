// Words that both agree to: reading them, agreeing to exactly what is shown, saying no, writing in them together.

import { ask } from './api.js';
import { area, beside, dated, fold, h, h1, h2, help, labelled, lead, means, prose, put, written } from './dom.js';
import { concerns } from './kinds.js';
import { Live } from './live.js';
import { difference } from './merge.js';
import { action, form, go, note, offer, said, state, view, words } from './shell.js';
import { DAYS, day, lang, moment, names, t, weekday } from './words.js';

export const verb = (kind, ask_) => ask({ request: 'agreement', kind, ask: ask_ });

/** What is different, word by word, for eyes and for ears. */
export function changes(old, text) {
  return h('p.prose.diff', { dir: 'auto' }, difference(old, text).map(({ kind, text: piece }) => {
    if (kind === 'same') return piece;
    const tag = kind === 'gone' ? 'del' : 'ins';
    return h(tag, null, h('span.unseen', null, ` (${t(`agr.${kind}`)}: `), piece, h('span.unseen', null, ') '));
  }));
}

/** The line below every entry's title. */
export function about(entry) {
  const where = entry.private ? t('entry.private') : entry.reached ? entry.author !== state.status.name ? null : t('entry.reached', { partner: state.status.partner }) : t('entry.waits', { partner: state.status.partner });
  return h('p.about', null, t('entry.by', { name: entry.author, day: day(entry.created) }), where ? ` · ${where}` : null);
}

/** When a schedule is, from one of its days on. */
export const times = ({ at, minutes }, { from, days }) => t('checkin.step', { from: day(from), days: names(days.map((name) => weekday(DAYS.indexOf(name)))), at, n: minutes });

/** A schedule for people; the text below it is what is agreed. */
function schedule(found) {
  return h('ul', null,
    found.steps.map((step) => h('li', null, times(found, step))),
    found.until ? h('li', null, t('checkin.until', { day: day(found.until) })) : null);
}

/** What was held. */
function held_one({ session: held }) {
  return h('section.card', null,
    h('p', null, t('checkin.held', { when: moment(held.started), n: held.minutes })),
    held.agenda.length ? h('ul', null, held.agenda.map((point) => h('li', { dir: 'auto' }, point.title || t(`kind.${point.kind || 'unread'}`), held.left.includes(point.id) ? h('span.help', null, ` · ${t('checkin.left')}`) : null))) : null);
}

view('propose', async ({ kind = 'boundary', from = null }, root) => {
  const title = written(200);
  const text = area({ rows: 6 });
  const review = dated();
  put(root,
    h1(`agr.new.${kind}`),
    lead(`what.${kind}`),
    form({
      submit: t('agr.propose'),
      work: async () => {
        const entry = await verb(kind, { verb: 'propose', from, title: title.value.trim(), text: text.value, language: lang(), review_on: review.value || null });
        note(t('agr.proposed.now'));
        go('agreement', { id: entry.id, kind }, { replace: true });
      },
    }, labelled(t('write.title'), title, t('write.title.help')), labelled(t('write.text'), text), labelled(t('write.review'), review, t('write.review.help'))),
    help('agr.new.help'));
});

view('agreement', async ({ id, kind, place }, root) => {
  let entry;
  let versions;
  let mode = 'read';
  let live = [];
  const load = async () => {
    [entry, versions] = await Promise.all([ask({ request: 'show', id }), ask({ request: 'history', id })]);
  };
  const me = state.status.name;

  /** The last version that I agreed to, if it is another than the text as it stands. */
  const mine = () => versions.versions.filter((version) => version.agreed_by.includes(me)).at(-1);
  const read = h('div');
  const act = h('div');

  const draw = () => {
    const waits = entry.in_force !== entry.text;
    const both = entry.in_force === entry.text;
    put(read,
      h('p.kind', null, t(`kind.${entry.kind}`), ' · ', t(`state.${entry.state}`)),
      h('h1', { dir: 'auto', tabindex: '-1' }, entry.title || t(`kind.${entry.kind}`)),
      about(entry),
      entry.unread ? h('p.card', null, t('entry.unread')) : null,
      entry.in_force !== null && waits ? h('section.card', null, h2('agr.inforce'), prose(entry.in_force), help('agr.inforce.until')) : null,
      entry.session ? held_one(entry) : null,
      mode === 'write' || (entry.session && !entry.text) ? null : h('section.words', null,
        h('h2', null, both ? t('agr.inforce') : t('agr.text.now')),
        entry.schedule ? schedule(entry.schedule) : null,
        prose(entry.text),
        entry.next ? h('p', null, t('today.next', { when: moment(entry.next) })) : null,
        h('p.help', null, both ? t('agr.by.both') : entry.agreed_by.length ? t('agr.by', { names: names(entry.agreed_by) }) : t('agr.by.none'),
          entry.review_on ? ` ${t('agr.review', { day: day(entry.review_on) })}` : '')),
      (entry.whys ?? []).map((why) => h('section.why', null, h('h3', null, `${t('agr.why')} · ${why.by}`), prose(why.why))));
  };

  const answer = () => {
    const agreed = entry.agreed_by.includes(me);
    const open = entry.in_force !== entry.text && entry.text.trim() !== '';
    const last = mine();
    const shown = entry.hash;
    const reason = written();
    put(act,
      !agreed && entry.text.trim() !== '' ? h('section.answer', { 'aria-label': t('agr.agree') },
        last ? [h2('agr.changes'), changes(last.text, entry.text)]
          : entry.in_force !== null ? [h2('agr.changes.force'), changes(entry.in_force, entry.text)]
            : null,
        means('agr.means'),
        h('div.row.equal', null,
          action(t('agr.agree'), async () => {
            try {
              await verb(kind, { verb: 'agree', id, expect_hash: shown });
              note(t('agr.agreed.now'));
            } catch (error) {
              if (error.code !== 'text_changed') throw error;
              note(t('agr.moved'));
            }
            await all();
          }, { kind: 'main', key: 'agree' }),
          action(t('agr.decline'), async () => {
            await verb(kind, { verb: 'decline', id, reason: reason.value.trim() || null });
            note(t('agr.declined.now'));
            await all();
          }, { kind: 'main.other', key: 'decline' })),
        labelled(t('agr.decline.why'), reason, t('agr.decline.means'))) : null,
      beside(
        entry.session ? null : action(t('agr.edit'), entry.schedule ? () => go('checkin-new', { id }) : write, { key: 'edit' }),
        action(t('entry.history'), () => go('history', { id, kind, place }), { key: 'history' })),
      entry.state === 'agreed' && entry.review_on ? keep() : null,
      entry.in_force !== null || agreed ? ending() : null,
      entry.session ? outcome() : null,
      entry.kind === 'checkin' ? null : [why(), again_on()]);
  };

  /** One line that both confirm. */
  const outcome = () => {
    const line = written(null, entry.text);
    return form({
      submit: t('sit.outcome.keep'), quiet: true,
      work: async () => { await ask({ request: 'checkin', verb: 'outcome', id, outcome: line.value }); await all(); },
    }, labelled(t('sit.outcome'), line, t('sit.outcome.help')));
  };

  const keep = () => {
    const until = dated();
    return offer('agr.keep', 'agr.keep', async () => { await verb(kind, { verb: 'keep', id, review_on: until.value || null }); await all(); }, labelled(t('agr.keep.until'), until));
  };
  const ending = () => {
    const reason = written();
    return fold(t('agr.end'), h('p', null, t('agr.end.means')), form({
      submit: t('agr.end'), quiet: true, key: 'end',
      work: async () => { await verb(kind, { verb: 'end', id, reason: reason.value.trim() || null }); note(t('agr.ended.now')); await all(); },
    }, labelled(t('agr.decline.why'), reason)));
  };
  /** Another day is another text: it is agreed to anew. */
  const again_on = () => {
    const on = dated(entry.review_on ?? '');
    return fold(t('write.review'), h('p', null, t('agr.day.means')), form({
      submit: t('save'), quiet: true,
      work: async () => { await verb(kind, { verb: 'edit', id, title: null, text: null, review_on: ['set', on.value || null] }); await all(); },
    }, labelled(t('write.review'), on, t('write.review.help'))));
  };
  const why = () => {
    const text = area({ rows: 2, value: (entry.whys ?? []).find((why) => why.by === me)?.why ?? '' });
    return offer('agr.why.mine', 'save', async () => { await verb(kind, { verb: 'why', id, why: text.value.trim() }); await all(); }, labelled(t('agr.why.mine'), text));
  };

  /** Both may write here at the same time. */
  const write = async () => {
    mode = 'write';
    draw();
    const how = h('p.help.how', { role: 'status' });
    const title = written(200);
    const text = area({ rows: 8 });
    const tell = (what) => {
      how.textContent = typeof what === 'string' ? t(`live.${what}`) : words(what);
    };
    const one = (field, name) => new Live(field, {
      name: `${id} ${name}`,
      text: entry[name],
      said: tell,
      send: async (base, now) => (entry = await verb(kind, { verb: 'edit', id, title: null, text: null, review_on: ['keep', null], [name]: now, base: { [name]: base } }))[name],
      look: async () => (await ask({ request: 'show', id }))[name],
    });
    put(act,
      h('section', null,
        labelled(t('write.title'), title),
        labelled(t('agr.text.now'), text, t('agr.edit.live')),
        how,
        beside(action(t('agr.edit.done'), async () => {
          for (const one of live) await one.settled();
          stop();
          await all();
        }, { kind: 'main', key: 'done' }))));
    live = [one(title, 'title'), one(text, 'text')];
    text.grow();
    text.focus();
  };
  const stop = () => {
    mode = 'read';
    for (const one of live) one.end();
    live = [];
  };

  const all = async () => {
    await load();
    draw();
    if (mode === 'read') answer();
  };
  put(root, read, act);
  await all();
  return {
    changed: async (event) => {
      if (!concerns(event, entry.id)) return;
      if (mode === 'write') {
        for (const one of live) one.changed();
        return;
      }
      const before = entry.hash;
      if (await load().then(() => false, () => true)) return;
      draw();
      // What somebody is just filling in stays as it is, unless the words themselves are others now.
      const filling = act.querySelector('input:focus, textarea:focus');
      if (before !== entry.hash || !filling) answer();
      if (before !== entry.hash) said(t('agr.moved'));
    },
    end: stop,
  };
});
