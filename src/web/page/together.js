// Plans, memories, times to talk and what a counselor may read: what the two do together.

import { ask, bring, bytes } from './api.js';
import { verb } from './agreement.js';
import { area, h, labelled, prose, put, tick } from './dom.js';
import { entryView } from './kinds.js';
import { chosen } from './start.js';
import { keep } from './files.js';
import { first, pages } from './journal.js';
import { action, form, go, happened, note, state, view, words } from './shell.js';
import { open } from './today.js';
import { day, lang, moment, names, t } from './words.js';

const set = (value) => ['set', value || null];

const plan = (request) => ask({ request: 'plan', ...request });
view('plan-new', (_, root) => {
  const title = h('input', { dir: 'auto', maxlength: 200, autocomplete: 'off' });
  const text = area({ rows: 3 });
  const date = h('input', { type: 'date' });
  put(root, h('h1', null, t('new.plan')), h('p.lead', null, t('what.plan')), form({ submit: t('plan.add'), work: async () => {
    const entry = await plan({ verb: 'add', title: title.value.trim(), text: text.value, language: lang(), date: date.value || null });
    go('plan', { id: entry.id }, { replace: true });
  } }, labelled(t('plan.title'), title), labelled(t('plan.text'), text), labelled(t('plan.date'), date)));
});

entryView('plan', (entry, again) => {
  const me = state.status.name;
  const does = (request) => async () => { await plan({ id: entry.id, ...request }); await again(); };
  const step = h('input', { dir: 'auto', autocomplete: 'off' });
  const owner = h('select', null, ['both', 'me', 'partner'].map((who) => h('option', { value: who }, t(`plan.owner.${who}`, { partner: state.status.partner }))));
  const due = h('input', { type: 'date' });
  const confirm = h('input');
  const wish = h('input', { dir: 'auto', autocomplete: 'off' });
  const what = h('select', null, ['place', 'thing', 'food'].map((one) => h('option', { value: one }, t(`plan.wish.${one}`))));
  const title = h('input', { dir: 'auto', maxlength: 200, value: entry.title });
  const text = area({ rows: 3, value: entry.text });
  const date = h('input', { type: 'date', value: entry.date ?? '' });
  return {
    title: entry.title || t('kind.plan'),
    body: [
      entry.text ? prose(entry.text) : null,
      entry.date ? h('p', null, day(entry.date)) : null,
      entry.finished_on ? h('p.means', null, t('plan.finished', { name: entry.finished_by, day: day(entry.finished_on) })) : null,
      entry.steps.length ? h('section', null, h('h2', null, t('plan.steps')), h('ol.todo', null, entry.steps.map((one) => h('li', null,
        h('div', null, h('span', { dir: 'auto' }, one.text), h('span.detail', null, [names(one.owners), one.due ? day(one.due) : '', t(`plan.step.${one.state}`)].filter(Boolean).join(' · '))),
        h('div.row', null,
          one.state === 'open' ? action(t('plan.done'), does({ verb: 'done', step: one.step, on: null }), { key: `done ${one.step}` }) : null,
          one.state === 'done' && one.done_by !== me && one.confirm_asked_by.length ? action(t('plan.confirm'), does({ verb: 'confirm', step: one.step }), { kind: 'main', key: `confirm ${one.step}` }) : null,
          one.state !== 'open' && one.done_by === me ? action(t('plan.undo'), does({ verb: 'undo', step: one.step })) : null,
          one.state === 'open' ? action(t('plan.drop'), does({ verb: 'drop', item: one.step })) : null),
        one.state === 'open' ? change(one) : null)))) : null,
      entry.wishes.length ? h('section', null, h('h2', null, t('plan.wishes')), h('ul.todo', null, entry.wishes.map((one) => h('li', null, h('div', null, h('span', { dir: 'auto' }, one.text), h('span.detail', null, `${t(`plan.wish.${one.what}`)} · ${one.by}`)), action(t('plan.drop'), does({ verb: 'drop', item: one.wish })))))) : null,
    ],
    actions: [
      h('details', null, h('summary', null, t('plan.step.add')), form({ submit: t('plan.step.add'), quiet: true, work: does2(() => ({ verb: 'step', text: step.value, owner: owner.value, due: due.value || null, confirm: confirm.checked })) }, labelled(t('plan.step.text'), step), labelled(t('plan.owner'), owner), labelled(t('plan.due'), due), tick(t('plan.confirm.ask'), confirm))),
      h('details', null, h('summary', null, t('plan.wish.add')), form({ submit: t('plan.wish.add'), quiet: true, work: does2(() => ({ verb: 'wish', what: what.value, text: wish.value })) }, labelled(t('plan.wish.text'), wish), labelled(t('plan.wish.what'), what))),
      h('details', null, h('summary', null, t('edit')), form({ submit: t('save'), quiet: true, work: does2(() => ({ verb: 'edit', title: title.value.trim(), text: text.value, date: set(date.value) })) }, labelled(t('plan.title'), title), labelled(t('plan.text'), text), labelled(t('plan.date'), date))),
      h('div.row', null, entry.finished_on ? (entry.finished_by === me ? action(t('plan.goon'), does({ verb: 'undo', step: null })) : null) : action(t('plan.finish'), does({ verb: 'finish', on: null })), action(t('entry.history'), () => go('history', { id: entry.id }))),
    ],
  };
  function change(one) {
    const text = h('input', { dir: 'auto', autocomplete: 'off', value: one.text });
    const due = h('input', { type: 'date', value: one.due ?? '' });
    const owners = [one.owners.length > 1, one.owners[0] === me, true];
    const owner = h('select', null, ['both', 'me', 'partner'].map((who, at) => h('option', { value: who, selected: owners.indexOf(true) === at }, t(`plan.owner.${who}`, { partner: state.status.partner }))));
    return h('details', null, h('summary', null, t('edit')), form({ submit: t('save'), quiet: true, work: does2(() => ({ verb: 'change_step', step: one.step, text: text.value, owner: owner.value, due: set(due.value), confirm: null })) }, labelled(t('plan.step.text'), text), labelled(t('plan.owner'), owner), labelled(t('plan.due'), due)));
  }
  function does2(make) {
    return async () => { await plan({ id: entry.id, ...make() }); await again(); };
  }
});

const memory = (request) => ask({ request: 'memory', ...request });
const memoryFields = (entry) => {
  const fields = {
    title: h('input', { dir: 'auto', maxlength: 200, autocomplete: 'off', value: entry.title ?? '' }),
    text: area({ rows: 5, value: entry.text ?? '' }),
    date: h('input', { type: 'date', value: entry.date ?? '' }),
    place: h('input', { dir: 'auto', autocomplete: 'off', value: entry.place ?? '' }),
  };
  return [fields, [labelled(t('write.title'), fields.title, t('write.title.help')), labelled(t('memory.text'), fields.text), labelled(t('memory.date'), fields.date), labelled(t('memory.place'), fields.place)]];
};
const files = () => h('input', { type: 'file', accept: 'image/jpeg,image/png,image/webp', multiple: true });
/** Puts photos into a memory, one after the other, and says what was left behind. */
async function add(id, field) {
  let cleaned = false;
  for (const file of field.files) {
    const { photos } = await bring('/photo/add', file, { 'amends-entry': id });
    cleaned ||= photos.at(-1).removed.length > 0;
  }
  if (cleaned) note(t('photo.cleaned'));
}
/** Photos are unsealed for this view alone, when they come into sight, and forgotten with it. */
function pictures(entry, again, mine) {
  if (!mine.end) {
    mine.urls = new Map();
    mine.sees = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach(({ target }) => target.load()));
    mine.end = () => {
      mine.sees.disconnect();
      clearTimeout(mine.waits);
      for (const url of mine.urls.values()) URL.revokeObjectURL(url);
    };
  }
  // Nobody is told of each piece that comes: it is looked at again as long as some are missing.
  clearTimeout(mine.waits);
  if (entry.photos.some((photo) => photo.here < photo.of)) mine.waits = setTimeout(() => happened({ event: 'again' }), 1000);
  return entry.photos.map((photo) => {
    const key = [photo.number, photo.by, photo.bytes, photo.of].join(' ');
    const whole = photo.of > 0 && photo.here === photo.of;
    const which = { id: entry.id, photo: photo.number };
    const img = h('img', { alt: t('photo.alt', { n: photo.number, of: entry.photos.length, name: photo.by }), width: photo.width, height: photo.height });
    const failed = h('p.failed', null);
    img.load = async () => {
      mine.sees.unobserve(img);
      try {
        if (!mine.urls.has(key)) mine.urls.set(key, URL.createObjectURL(await bytes('/photo/look', which)));
        img.src = mine.urls.get(key);
      } catch (error) {
        failed.textContent = words(error);
      }
    };
    if (whole) mine.sees.observe(img);
    return h('figure.photo', null, whole ? img : h('p.calm', null, t('photo.coming', { here: photo.here, of: photo.of })), failed,
      h('figcaption.row', null, h('span.help', null, t('photo.by', { name: photo.by })),
        whole ? h('button.link', { 'data-key': `keep ${key}`, onclick: () => keep('/photo/look', which, `${entry.id}-${photo.number}.${photo.mime.split('/')[1] ?? 'bin'}`).catch((error) => note(words(error))) }, t('photo.keep')) : null,
        photo.by === state.status.name ? h('button.link', { 'data-key': `back ${key}`, onclick: () => memory({ verb: 'take_back', ...which }).then(again, (error) => note(words(error))) }, t('photo.back')) : null));
  });
}
view('memory-new', (_, root) => {
  const [fields, shown] = memoryFields({});
  const idea = h('input');
  const photos = files();
  put(root, h('h1', null, t('new.memory')), h('p.lead', null, t('what.memory')), form({ submit: t('memory.add'), work: async () => {
    const entry = await memory({ verb: 'add', idea: idea.checked, title: fields.title.value.trim(), text: fields.text.value, language: lang(), date: fields.date.value || null, place: fields.place.value.trim() || null, photos: [], as_it_is: false });
    // It is there now: where a photo is not taken, that is said beside it.
    await add(entry.id, photos).catch((error) => note(words(error)));
    go('memory', { id: entry.id }, { replace: true });
  } }, tick(t('memory.idea'), idea), shown, labelled(t('photo.add'), photos, t('photo.help'))));
});

entryView('memory', (entry, again, mine) => {
  const [fields, shown] = memoryFields(entry);
  const photos = files();
  const wants = entry.again_by.includes(state.status.name);
  return {
    title: entry.title || t(entry.idea ? 'memory.idea.title' : 'kind.memory'),
    body: [prose(entry.text), h('p.help', null, [entry.date ? day(entry.date) : '', entry.place ?? ''].filter(Boolean).join(' · ')),
      entry.did_on ? h('p.means', null, t('memory.did', { name: entry.did_by, day: day(entry.did_on) })) : null,
      entry.photos.length ? h('div.photos', null, pictures(entry, again, mine)) : null,
      entry.again_by.length ? h('p.help', null, t('memory.again.by', { names: names(entry.again_by) })) : null],
    actions: [
      h('div.row', null,
        entry.idea ? action(t(entry.did_on ? 'memory.undid' : 'memory.didit'), async () => { await memory({ verb: 'did', id: entry.id, on: null, take_back: !!entry.did_on }); await again(); })
          : action(t(wants ? 'memory.again.no' : 'memory.again.yes'), async () => { await memory({ verb: 'again', id: entry.id, yes: !wants }); await again(); })),
      h('details', null, h('summary', null, t('photo.add')), form({ submit: t('photo.add'), quiet: true, work: async () => {
        await add(entry.id, photos);
        await again();
      } }, labelled(t('photo.which'), photos, t('photo.help')))),
      h('details', null, h('summary', null, t('edit')), form({ submit: t('save'), quiet: true, work: async () => {
        await memory({ verb: 'edit', id: entry.id, title: fields.title.value.trim(), text: fields.text.value, date: set(fields.date.value), place: set(fields.place.value.trim()) });
        await again();
      } }, shown)),
    ],
  };
});

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
/** A Monday, to name days of the week in any language. */
const weekday = (at) => new Intl.DateTimeFormat(lang(), { weekday: 'long' }).format(new Date(2024, 0, 1 + at));
const checkin = (request) => ask({ request: 'checkin', ...request });
const iso = (date) => `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;

view('checkin-new', (_, root) => {
  const days = DAYS.map((name, at) => [name, h('input', { value: name, checked: [0, 2, 4].includes(at) })]);
  for (const [name, field] of days) field.value = name;
  const at = h('input', { type: 'time', value: '19:30' });
  const minutes = h('select', null, [15, 20].map((n) => h('option', { value: n, selected: n === 20 }, t('checkin.minutes', { n }))));
  const from = h('input', { type: 'date', value: iso(new Date()) });
  const taper = h('input', { checked: true });
  put(root, h('h1', null, t('new.checkin')), h('p.lead', null, t('checkin.lead')), form({ submit: t('agr.propose'), work: async () => {
    const chosen = days.filter(([, field]) => field.checked).map(([name]) => name);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const lines = [`${minutes.value} minutes at ${at.value}, ${zone}`];
    let list_ = chosen;
    let when = new Date(`${from.value}T12:00:00`);
    do {
      lines.push(`from ${iso(when)}: ${list_.join(', ')}`);
      when = new Date(when);
      when.setMonth(when.getMonth() + 2);
      list_ = list_.length > 2 ? [list_[0], list_[Math.floor(list_.length / 2) + (list_.length % 2)] ?? list_[1]].filter(Boolean) : list_.slice(0, -1);
    } while (taper.checked && list_.length && lines.length < 5);
    const entry = await verb('checkin', { verb: 'propose', from: null, title: '', text: lines.join('\n'), language: lang(), review_on: null });
    note(t('agr.proposed.now'));
    open(entry);
  } },
  h('fieldset', null, h('legend', null, t('checkin.days')), h('div.row', null, days.map(([, field], at) => tick(weekday(at), field)))),
  labelled(t('checkin.at'), at), labelled(t('checkin.long'), minutes), labelled(t('checkin.from'), from),
  h('div.field', null, tick(t('checkin.taper'), taper), h('p.help', null, t('checkin.taper.help')))),
  h('p.help', null, t('agr.new.help')));
});

// A time together: a quiet page with nothing else on it.
view('sitting', async (_, root) => {
  const agenda = await checkin({ verb: 'agenda' });
  const people = [agenda.name, agenda.partner];
  let [point, turn, started, ticking] = [0, 0, null, null];
  const clock = h('p.clock', { role: 'timer' });
  const turns = h('p.turn', { 'aria-live': 'polite' });
  const about = h('div', { 'aria-live': 'polite' });
  document.body.classList.add('quiet-page');
  const end = () => {
    clearInterval(ticking);
    document.body.classList.remove('quiet-page');
  };

  const begin = () => {
    put(root,
      h('h1', null, t('sit.title')),
      h('p.lead', null, t('sit.lead', { n: agenda.minutes })),
      agenda.agenda.length ? h('section', null, h('h2', null, t('sit.agenda')), h('ol', null, agenda.agenda.map((one) => h('li', { dir: 'auto' }, one.title || t(`kind.${one.kind || 'unread'}`))))) : h('p.calm', null, t('sit.agenda.none')),
      h('div.row', null, action(t('sit.start'), sit, { kind: 'main' }), action(t('cancel'), () => go('today'))));
  };
  const sit = () => {
    started = new Date();
    const last = agenda.minutes * 60;
    const draw = () => {
      const left = Math.max(0, last - Math.floor((Date.now() - started) / 1000));
      const minutes = Math.ceil(left / 60);
      const words_ = left > 60 ? t('sit.left', { n: minutes }) : left > 0 ? t('sit.lastminute') : t('sit.over');
      if (clock.textContent !== words_) clock.textContent = words_;
      if (left === 0) over();
    };
    const point_ = () => put(about, agenda.agenda.length ? [h('p.kind', null, t('sit.about')), h('p.prose', { dir: 'auto' }, agenda.agenda[point].title || t(`kind.${agenda.agenda[point].kind || 'unread'}`))] : null);
    const turn_ = () => (turns.textContent = t('sit.turn', { name: people[turn] }));
    put(root,
      h('h1.unseen', null, t('sit.title')),
      turns, about, clock,
      h('div.row', null,
        action(t('sit.pass'), () => { turn = 1 - turn; turn_(); }, { kind: 'main' }),
        agenda.agenda.length > 1 ? action(t('sit.next'), () => { point = Math.min(point + 1, agenda.agenda.length - 1); point_(); }) : null,
        action(t('sit.enough'), over)));
    turn_();
    point_();
    draw();
    ticking = setInterval(draw, 1000);
  };
  const over = () => {
    clearInterval(ticking);
    const lasted = Math.max(1, Math.min(20, Math.round((Date.now() - started) / 60000)));
    const outcome = h('input', { dir: 'auto', autocomplete: 'off' });
    put(root,
      h('h1', { tabindex: '-1' }, t('sit.over')),
      form({ submit: t('sit.keep'), work: async () => {
        const ids = agenda.agenda.map((one) => one.id);
        const entry = await checkin({ verb: 'held', started: started.toISOString(), minutes: lasted, agenda: ids, left: ids.slice(point + 1), outcome: outcome.value.trim() || null, language: lang() });
        note(t('sit.kept'));
        open(entry);
      } }, labelled(t('sit.outcome'), outcome, t('sit.outcome.help'))));
    root.querySelector('h1').focus();
  };
  begin();
  return { end };
});

/** Entries of the journal to tick, the newest first; what is ticked. */
async function choice(without = []) {
  const ids = new Set();
  const load = async (skip, most) => (await ask({ request: 'timeline', part: { skip, most } })).flatMap((week) => week.entries).reverse();
  const box = (entry) => {
    const field = h('input', { onchange: () => ids[field.checked ? 'add' : 'delete'](entry.id) });
    return h('li', null, tick(`${t(`kind.${entry.kind}`)}: ${entry.title || first(entry).slice(0, 80)}`, field));
  };
  const fits = (entry) => !entry.private && !['packet', 'unread', 'feeling'].includes(entry.kind) && !without.includes(entry.id);
  return [ids, h('fieldset', null, h('legend', null, t('packet.entries')), await pages(load, (entries) => entries.filter(fits).map(box), t('time.none')))];
}

view('packet-new', async (_, root) => {
  const title = h('input', { dir: 'auto', maxlength: 200, autocomplete: 'off', value: t('packet.title') });
  const [ids, shown] = await choice();
  put(root, h('h1', null, t('new.packet')), h('p.lead', null, t('packet.lead')), form({ submit: t('packet.make'), work: async () => {
    const entry = await ask({ request: 'packet', verb: 'new', entries: [...ids], title: title.value.trim(), language: lang() });
    go('packet', { id: entry.id }, { replace: true });
  } }, labelled(t('write.title'), title), shown));
});

view('packet', async ({ id }, root) => {
  const read = h('div');
  const act = h('div');
  const fill = async (news) => {
    const packet = await ask({ request: 'packet', verb: 'preview', id });
    const { entry } = packet;
    const agreed = entry.agreed_by.includes(state.status.name);
    const does = (ask_) => async () => { await ask(ask_); await fill(); };
    put(read,
      h('p.kind', null, t('kind.packet'), ' · ', t(`state.${entry.state}`)),
      h('h1', { dir: 'auto', tabindex: '-1' }, entry.title || t('kind.packet')),
      h('p.help', null, entry.agreed_by.length ? t('agr.by', { names: names(entry.agreed_by) }) : t('agr.by.none')),
      h('section', null, h('h2', null, t('packet.entries')), h('ul.todo', null, packet.items.map((item) => h('li', null, h('div', null, h('span', { dir: 'auto' }, item.title || t(`kind.${item.kind}`)), h('span.detail', null, `${t(`kind.${item.kind}`)} · ${t(`packet.${item.standing}`)}`)),
        action(t('packet.remove'), does({ request: 'packet', verb: 'remove', id, entries: [item.id] })))))),
      h('details', null, h('summary', null, t('packet.preview')), h('div.card', null, prose(packet.page))));
    // What somebody is just filling in stays as it is.
    const filling = [...act.querySelectorAll('input')].some((field) => (field.type === 'checkbox' ? field.checked : field.value !== ''));
    if (news && filling) return;
    const more = h('details', { ontoggle: async () => {
      if (!more.open || more.childElementCount > 1) return;
      const [ids, shown] = await choice(packet.items.map((item) => item.id));
      more.append(form({ submit: t('packet.add'), quiet: true, work: async () => {
        await ask({ request: 'packet', verb: 'add', id, entries: [...ids] });
        more.open = false;
        await fill();
      } }, shown));
    } }, h('summary', null, t('packet.add')));
    put(act,
      entry.state === 'agreed' ? hand(entry) : agreed ? h('p.help', null, t('packet.file')) : [h('p.means', null, t('packet.means')), h('div.row.equal', null,
        action(t('packet.agree'), does({ request: 'packet', verb: 'agree', id, expect_hash: entry.hash }), { kind: 'main', key: 'agree' }),
        action(t('agr.decline'), does({ request: 'agreement', kind: 'packet', ask: { verb: 'decline', id, reason: null } }), { kind: 'main.other', key: 'decline' }))],
      more,
      agreed ? h('div.row', null, action(t('agr.end'), does({ request: 'agreement', kind: 'packet', ask: { verb: 'end', id, reason: null } }))) : null);
  };
  put(root, read, act);
  await fill();
  return { changed: () => fill(true).catch(() => {}) };
});

/** The sealed file for a counselor: for who knows a passphrase, or for somebody's age recipients. */
function hand({ id }) {
  const pass = chosen(t('packet.pass'), t('packet.pass.help'));
  const recipients = h('input', { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  return h('details', null, h('summary', null, t('packet.hand')), h('p', null, t('packet.hand.means')), form({
    submit: t('packet.hand'),
    busy: t('packet.sealing'),
    work: async () => {
      const named = recipients.value.split(/[\s,]+/).filter(Boolean);
      await keep('/packet', { id, recipients: named, passphrase: named.length ? '' : pass.take() }, 'packet.zip.age');
      pass.clear();
      note(t('packet.handed'));
    },
  }, pass.shown, h('details', null, h('summary', null, t('packet.age')), labelled(t('packet.age'), recipients, t('packet.age.help')))));
}
