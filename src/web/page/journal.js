// Across everything: what can be written, every kind's list, by week, by words, and how one entry came about.

import { ask } from './api.js';
import { beside, calm, dated, h, h1, h2, labelled, lead, linked, prose, put, spoken, svg, written } from './dom.js';
import { changes, times } from './agreement.js';
import { action, form, go, note, state, view } from './shell.js';
import { open, row } from './today.js';
import { day, iso, lang, moment, names, t } from './words.js';

/** Kinds in the order of the twelve steps, with the view in which one begins, and whether it needs a partner. */
const KINDS = [
  ['feeling', 'feeling-new', false],
  ['talk', 'talk-new', true],
  ['boundary', 'propose', true],
  ['apology', 'apology-new', true],
  ['plan', 'plan-new', true],
  ['memory', 'memory-new', true],
  ['checkin', 'checkin-new', true],
  ['space', 'space-new', true],
  ['lesson', 'propose', true],
  ['packet', 'packet-new', true],
];

const paired = () => state.status?.partner !== null;

view('write', (_, root) => {
  put(root,
    h1('write.what'),
    paired() ? null : lead('today.unpaired'),
    h('ul.entries', null, KINDS.filter(([, , needs]) => paired() || !needs).map(([kind, view]) =>
      h('li', null, h('button.entry', { onclick: () => go(view, { kind }) }, h('span.called', null, t(`new.${kind}`)), h('span.detail', null, t(`what.${kind}`)))))),
    paired() ? h('p', null, action(t('rocky.ask'), () => go('rocky'))) : null);
});

view('all', async (_, root) => {
  put(root,
    h1('nav.all'),
    h('ul.entries', null, KINDS.filter(([, , needs]) => paired() || !needs).map(([kind]) =>
      h('li', null, h('button.entry', { onclick: () => go('kind', { kind, place: 'all' }) }, h('span.called', null, t(`kinds.${kind}`)), h('span.detail', null, t(`what.${kind}`)))))),
    paired() ? h('p', null, action(t('due.title'), () => go('due', { place: 'all' }))) : null);
});

const PAGE = 40;

/** A list that shows more of itself when asked, so that ten thousand are as quick as ten. */
export function paged(rows, none) {
  if (!rows.length) return h('p.calm', null, none);
  const list = h('ul.entries');
  const rest = h('div');
  let shown = 0;
  const more = () => {
    const from = shown;
    shown = Math.min(rows.length, shown + PAGE);
    for (const make of rows.slice(from, shown)) list.append(make());
    put(rest, shown < rows.length ? action(t('more'), () => { const at = shown; more(); list.children[at]?.querySelector('button')?.focus(); }) : null);
  };
  more();
  return h('div', null, list, rest);
}

/** Some of a kind, the newest first. */
export const part = (kind, of = 'all') => (skip, most) => ask({ request: 'list', kind, part: { of, skip, most } });

/** A list of which each page is asked for when it is wanted. `make` gives the rows of some of it; `kept.n` are shown at first. */
export async function pages(load, make, none, kept = {}) {
  const list = h('ul.entries');
  const rest = h('div');
  let shown = 0;
  const more = async (most) => {
    // One more than is shown says whether there is more.
    const found = await load(shown, most + 1);
    const at = list.childElementCount;
    list.append(...make(found.slice(0, most)));
    shown += Math.min(found.length, most);
    kept.n = Math.max(PAGE, shown);
    put(rest, found.length > most ? action(t('more'), async () => { await more(PAGE); }) : null);
    if (at) [...list.children].slice(at).find((row) => row.querySelector('button, input'))?.querySelector('button, input').focus();
    return found.length;
  };
  return (await more(kept.n ?? PAGE)) ? h('div', null, list, rest) : h('p.calm', null, none);
}

view('kind', async ({ kind, of }, root) => {
  const kept = {};
  const fill = async () => {
    const begin = KINDS.find(([name]) => name === kind)[1];
    const all = await pages(part(kind, of), (entries) => entries.map((entry) => row({ ...entry, words: first(entry) }, `${t(`state.${entry.state}`)} · ${day(entry.created)}`)), t(`none.${kind}`), kept);
    put(root,
      h('h1', null, of ? t('today.force') : t(`kinds.${kind}`)),
      lead(`what.${kind}`),
      beside(action(t(`new.${kind}`), () => go(begin, { kind }), { kind: 'main' }), kind === 'checkin' ? [action(t('checkin.begin'), () => go('sitting')), action(t('sit.record'), () => go('sat'))] : null),
      all);
  };
  await fill();
  return { changed: (event) => (event.entry?.kind === kind || event.event === 'again') && fill().catch(() => {}) };
});

/** The first words of an entry, for where a title would stand. */
export function first(entry) {
  if (entry.schedule) return times(entry.schedule, entry.schedule.steps[0]);
  const all = [entry.text, entry.words, entry.asked, ...(entry.accounts ?? []).map((account) => account.text), entry.did, entry.hurt, entry.own, entry.change, entry.repair, entry.because];
  return (all.find((text) => text?.trim()) ?? '').slice(0, 200);
}

view('due', async (_, root) => {
  const found = spoken();
  const until = dated(iso(new Date()));
  const fill = async () => {
    const due = await ask({ request: 'due', until: until.value || null });
    put(found, paged(due.map((one) => () => row(one, `${t(`why.${one.why}`)} · ${day(one.on)}`)), t('due.none')));
  };
  until.addEventListener('change', fill);
  await fill();
  put(root, h1('due.title'), labelled(t('due.until'), until), found);
});

view('time', async (_, root) => {
  const kept = {};
  const fill = async () => {
    let weeks;
    const load = async (skip, most) => {
      weeks = await ask({ request: 'timeline', part: { skip, most } });
      return weeks.flatMap((week) => week.entries.map((entry) => ({ ...entry, week: week.from }))).reverse();
    };
    let last;
    /** The weeks from the newest on, each with what is in it; quiet ones between two of them are there, too. */
    const make = (entries) => entries.flatMap((entry) => {
      const rows = [];
      for (let at = last ? weeks.findIndex((week) => week.from === last) : weeks.length; last !== entry.week;) {
        at -= 1;
        last = weeks[at].from;
        rows.push(h('li.week', null, h2('time.week', { day: day(last) }), weeks[at].count ? null : calm('time.quiet')));
      }
      return [...rows, row({ ...entry, words: first(entry) }, day(entry.created))];
    });
    const all = await pages(load, make, t('time.none'), kept);
    const most = Math.max(4, ...weeks.map((week) => week.count));
    const shown = weeks.slice(-52);
    const wide = 100 / Math.max(26, shown.length);
    // A picture and no number: a week with much in it is taller, a quiet one is quiet.
    const picture = svg('svg', { class: 'weeks', viewBox: '0 0 100 22', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      svg('line', { x1: 0, x2: 100, y1: 21.5, y2: 21.5 }),
      shown.map((week, at) => {
        const tall = week.count ? 2 + (18 * week.count) / most : 0;
        return svg('rect', { x: at * wide + wide * 0.15, y: 21.5 - tall, width: wide * 0.7, height: tall, rx: 0.4 });
      }));
    put(root,
      h1('nav.time'),
      weeks.length ? h('figure', null, picture, h('figcaption.help', null, t('time.caption', { from: day(shown[0].from), to: day(shown.at(-1).from) }))) : null,
      all);
  };
  await fill();
  return { changed: () => fill().catch(() => {}) };
});

view('search', async ({ words = '' }, root) => {
  const field = h('input', { type: 'search', dir: 'auto', autocomplete: 'off', value: words });
  const found = spoken();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const snippet = ({ snippet, hits }) => {
    const raw = encoder.encode(snippet);
    const pieces = [];
    let at = 0;
    for (const [from, to] of hits) {
      pieces.push(decoder.decode(raw.slice(at, from)), h('mark', null, decoder.decode(raw.slice(from, to))));
      at = to;
    }
    return [...pieces, decoder.decode(raw.slice(at))];
  };
  const search = async () => {
    const all = await ask({ request: 'search', words: field.value, most: 200 });
    put(found, paged(all.map((one) => () => h('li', null, h('button.entry', { onclick: () => open(one) },
      h('span.kind', null, t(`kind.${one.kind}`)), one.title ? h('span.called', { dir: 'auto' }, one.title) : null, h('span.detail', { dir: 'auto' }, snippet(one))))), t('search.none')));
  };
  put(root, h1('nav.search'), form({ submit: t('search.go'), work: search }, labelled(t('search.words'), field, t('search.help'))), found);
});

/** What was written in one go, by one or by both, is one step. */
function steps(versions) {
  const all = [];
  for (const version of versions) {
    const last = all.at(-1);
    const soon = last && new Date(version.at) - new Date(last.at) < 300000;
    if (soon && !last.agreed_by.length) all[all.length - 1] = { ...version, authors: new Set([...last.authors, version.by]) };
    else all.push({ ...version, authors: new Set([version.by]) });
  }
  return all;
}

/** Who wrote a step. */
function wrote({ authors }) {
  const known = [...authors].filter(Boolean);
  return known.length ? t('history.wrote', { by: names(known) }) : t('history.both');
}

view('history', async ({ id }, root) => {
  const history = await ask({ request: 'history', id });
  const versions = steps(history.versions);
  const acts = history.acts.map((act) => ({ at: act.at, act }));
  const all = [...versions.map((version, n) => ({ at: version.at, version, before: versions[n - 1] })), ...acts].sort((a, b) => new Date(a.at) - new Date(b.at));
  put(root,
    linked('back', () => window.history.back()),
    h1('entry.history'),
    h('ol.steps', null, all.map(({ at, version, before, act }) => h('li', null,
      h('p.help', null, moment(at), ' · ', act ? t(`act.${act.verb}`, { by: act.by }) : wrote(version)),
      act?.reason ? prose(act.reason) : null,
      version ? [before ? changes(before.text, version.text) : prose(version.text),
        h('p.help', null, [version.agreed_by.length ? t('agr.by', { names: names(version.agreed_by) }) : '', version.in_force ? t('agr.inforce') : ''].filter(Boolean).join(' '))] : null))));
});

view('rocky', async (_, root) => {
  const text = written();
  put(root,
    h1('rocky.ask'),
    lead('rocky.what', { partner: state.status.partner }),
    form({ submit: t('rocky.send'), work: async () => {
      const entry = await ask({ request: 'talk', verb: 'rocky', text: text.value, language: lang() });
      note(t('rocky.sent'));
      open(entry);
    } }, labelled(t('rocky.words'), text, t('rocky.help'))));
});
