// Plans, memories, times to talk and what a counselor may read: what the two do together.

import { ask, asking, bring, bytes } from './api.js';
import { verb } from './agreement.js';
import { area, beside, calm, chooser, dated, exact, fold, h, h1, help, labelled, lead, means, prose, put, section, spoken, tick, written } from './dom.js';
import { entryView } from './kinds.js';
import { chosen } from './start.js';
import { keep } from './files.js';
import { first, pages } from './journal.js';
import { action, form, go, happened, note, offer, state, view, words } from './shell.js';
import { open } from './today.js';
import { DAYS, day, iso, lang, names, t, weekday } from './words.js';

const set = (value) => ['set', value || null];

/** Does it as of a day that is chosen. */
function on_day(label, work) {
  const on = dated(iso(new Date()));
  return fold(t('day.other'), form({ submit: label, quiet: true, work: () => work(on.value || null) }, labelled(t('day.which'), on)));
}

/** Whose a step is. */
const owner_of = (who) => chooser(['both', 'me', 'partner'], who, (one) => t(`plan.owner.${one}`, { partner: state.status.partner }));

const plan = asking('plan');
view('plan-new', (_, root) => {
  const title = written(200);
  const text = area({ rows: 3 });
  const date = dated();
  put(root, h1('new.plan'), lead('what.plan'), form({ submit: t('plan.add'), work: async () => {
    const entry = await plan({ verb: 'add', title: title.value.trim(), text: text.value, language: lang(), date: date.value || null });
    go('plan', { id: entry.id }, { replace: true });
  } }, labelled(t('plan.title'), title), labelled(t('plan.text'), text), labelled(t('plan.date'), date)));
});

entryView('plan', (entry, then) => {
  const me = state.status.name;
  const does = (request) => then(() => plan({ id: entry.id, ...request }));
  const step = written();
  const owner = owner_of('both');
  const due = dated();
  const confirm = h('input');
  const wish = written();
  const what = chooser(['place', 'thing', 'food'], 'place', (one) => t(`plan.wish.${one}`));
  const title = h('input', { dir: 'auto', maxlength: 200, value: entry.title });
  const text = area({ rows: 3, value: entry.text });
  const date = dated(entry.date ?? '');
  return {
    title: entry.title || t('kind.plan'),
    body: [
      entry.text ? prose(entry.text) : null,
      entry.date ? h('p', null, day(entry.date)) : null,
      entry.finished_on ? means('plan.finished', { name: entry.finished_by, day: day(entry.finished_on) }) : null,
      entry.steps.length ? section('plan.steps', h('ol.todo', null, entry.steps.map((one) => h('li', null,
        h('div', null, h('span', { dir: 'auto' }, one.text), h('span.detail', null, [names(one.owners), one.due ? day(one.due) : '', t(`plan.step.${one.state}`)].filter(Boolean).join(' · '))),
        beside(
          one.state === 'open' ? action(t('plan.done'), does({ verb: 'done', step: one.step, on: null }), { key: `done ${one.step}` }) : null,
          one.state === 'done' && one.done_by !== me && one.confirm_asked_by.length ? action(t('plan.confirm'), does({ verb: 'confirm', step: one.step }), { kind: 'main', key: `confirm ${one.step}` }) : null,
          one.state !== 'open' && one.done_by === me ? action(t('plan.undo'), does({ verb: 'undo', step: one.step })) : null,
          one.state === 'open' ? action(t('plan.drop'), does({ verb: 'drop', item: one.step })) : null),
        one.state === 'open' ? [change(one), on_day(t('plan.done'), (on) => does({ verb: 'done', step: one.step, on })())] : null)))) : null,
      entry.wishes.length ? section('plan.wishes', h('ul.todo', null, entry.wishes.map((one) => h('li', null, h('div', null, h('span', { dir: 'auto' }, one.text), h('span.detail', null, `${t(`plan.wish.${one.what}`)} · ${one.by}`)), action(t('plan.drop'), does({ verb: 'drop', item: one.wish })))))) : null,
    ],
    actions: [
      offer('plan.step.add', 'plan.step.add', does2(() => ({ verb: 'step', text: step.value, owner: owner.value, due: due.value || null, confirm: confirm.checked })), labelled(t('plan.step.text'), step), labelled(t('plan.owner'), owner), labelled(t('plan.due'), due), tick(t('plan.confirm.ask'), confirm)),
      offer('plan.wish.add', 'plan.wish.add', does2(() => ({ verb: 'wish', what: what.value, text: wish.value })), labelled(t('plan.wish.text'), wish), labelled(t('plan.wish.what'), what)),
      offer('edit', 'save', does2(() => ({ verb: 'edit', title: title.value.trim(), text: text.value, date: set(date.value) })), labelled(t('plan.title'), title), labelled(t('plan.text'), text), labelled(t('plan.date'), date)),
      entry.finished_on ? null : on_day(t('plan.finish'), (on) => does({ verb: 'finish', on })()),
      beside(entry.finished_on ? (entry.finished_by === me ? action(t('plan.goon'), does({ verb: 'undo', step: null })) : null) : action(t('plan.finish'), does({ verb: 'finish', on: null })), action(t('entry.history'), () => go('history', { id: entry.id }))),
    ],
  };
  function change(one) {
    const text = written(null, one.text);
    const due = dated(one.due ?? '');
    const confirm = h('input', { checked: one.confirm_asked_by.includes(me) });
    const owner = owner_of(one.owners.length > 1 ? 'both' : one.owners[0] === me ? 'me' : 'partner');
    return offer('edit', 'save', does2(() => ({ verb: 'change_step', step: one.step, text: text.value, owner: owner.value, due: set(due.value), confirm: confirm.checked })), labelled(t('plan.step.text'), text), labelled(t('plan.owner'), owner), labelled(t('plan.due'), due), tick(t('plan.confirm.ask'), confirm));
  }
  function does2(make) {
    return then(() => plan({ id: entry.id, ...make() }));
  }
});

const memory = asking('memory');
const memoryFields = (entry) => {
  const fields = {
    title: written(200, entry.title ?? ''),
    text: area({ rows: 5, value: entry.text ?? '' }),
    date: dated(entry.date ?? ''),
    place: written(null, entry.place ?? ''),
  };
  return [fields, [labelled(t('write.title'), fields.title, t('write.title.help')), labelled(t('memory.text'), fields.text), labelled(t('memory.date'), fields.date), labelled(t('memory.place'), fields.place)]];
};
const files = () => h('input', { type: 'file', accept: 'image/jpeg,image/png,image/webp', multiple: true });
/** Photos that cannot be cleaned, and the memory that they were for: their author says once more whether they are wanted. */
let uncleaned = { files: [] };

/** Puts photos into a memory, one after the other, and says what was left behind. */
async function add(id, files, more = {}) {
  let cleaned = false;
  uncleaned = { id, files: [] };
  for (const file of files) {
    try {
      const { photos } = await bring('/photo/add', file, { 'amends-entry': id, ...more });
      cleaned ||= photos.at(-1).removed.length > 0;
    } catch (error) {
      if (error.code !== 'photo_not_cleanable') throw error;
      uncleaned.files.push(file);
    }
  }
  if (cleaned) note(t('photo.cleaned'));
}

/** Asks once more. */
function as_it_is(id, then) {
  const { files } = uncleaned;
  if (uncleaned.id !== id || !files.length) return null;
  const these = (files) => then(() => add(id, files, { 'amends-as-it-is': 'yes' }));
  return h('section.card', { role: 'alert' }, h('h2', { dir: 'auto' }, names(files.map((file) => file.name))), h('p', null, t('fail.photo_not_cleanable')), h('p', null, t('photo.asitis.means')),
    h('div.row.equal', null, action(t('photo.leave'), these([]), { kind: 'main' }), action(t('photo.asitis'), these(files), { kind: 'main.other' })));
}
/** Photos are unsealed for this view alone, when they come into sight, and forgotten with it. */
function pictures(entry, then, mine) {
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
    return h('figure.photo', null, whole ? img : calm('photo.coming', { here: photo.here, of: photo.of }), failed,
      h('figcaption.row', null, h('span.help', null, t('photo.by', { name: photo.by })),
        whole ? h('button.link', { 'data-key': `keep ${key}`, onclick: () => keep('/photo/look', which, `${entry.id}-${photo.number}.${photo.mime.split('/')[1] ?? 'bin'}`).catch((error) => note(words(error))) }, t('photo.keep')) : null,
        photo.by === state.status.name ? h('button.link', { 'data-key': `back ${key}`, onclick: () => then(() => memory({ verb: 'take_back', ...which }))().catch((error) => note(words(error))) }, t('photo.back')) : null));
  });
}
view('memory-new', (_, root) => {
  const [fields, shown] = memoryFields({});
  const idea = h('input');
  const photos = files();
  put(root, h1('new.memory'), lead('what.memory'), form({ submit: t('memory.add'), work: async () => {
    const entry = await memory({ verb: 'add', idea: idea.checked, title: fields.title.value.trim(), text: fields.text.value, language: lang(), date: fields.date.value || null, place: fields.place.value.trim() || null, photos: [], as_it_is: false });
    // It is there now: where a photo is not taken, that is said beside it.
    await add(entry.id, photos.files).catch((error) => note(words(error)));
    go('memory', { id: entry.id }, { replace: true });
  } }, tick(t('memory.idea'), idea), shown, labelled(t('photo.add'), photos, t('photo.help'))));
});

entryView('memory', (entry, then, mine) => {
  const [fields, shown] = memoryFields(entry);
  const photos = files();
  const wants = entry.again_by.includes(state.status.name);
  return {
    title: entry.title || t(entry.idea ? 'memory.idea.title' : 'kind.memory'),
    body: [prose(entry.text), h('p.help', null, [entry.date ? day(entry.date) : '', entry.place ?? ''].filter(Boolean).join(' · ')),
      entry.did_on ? means('memory.did', { name: entry.did_by, day: day(entry.did_on) }) : null,
      entry.photos.length ? h('div.photos', null, pictures(entry, then, mine)) : null,
      entry.again_by.length ? help('memory.again.by', { names: names(entry.again_by) }) : null],
    actions: [
      as_it_is(entry.id, then),
      beside(
        entry.idea ? action(t(entry.did_on ? 'memory.undid' : 'memory.didit'), then(() => memory({ verb: 'did', id: entry.id, on: null, take_back: !!entry.did_on })))
          : action(t(wants ? 'memory.again.no' : 'memory.again.yes'), then(() => memory({ verb: 'again', id: entry.id, yes: !wants })))),
      entry.idea && !entry.did_on ? on_day(t('memory.didit'), then((on) => memory({ verb: 'did', id: entry.id, on, take_back: false }))) : null,
      offer('photo.add', 'photo.add', then(() => add(entry.id, photos.files)), labelled(t('photo.which'), photos, t('photo.help'))),
      offer('edit', 'save', then(() =>
        memory({ verb: 'edit', id: entry.id, title: fields.title.value.trim(), text: fields.text.value, date: set(fields.date.value), place: set(fields.place.value.trim()) })), shown),
    ],
  };
});

const checkin = asking('checkin');

view('checkin-new', async ({ id }, root) => {
  const now = id ? (await ask({ request: 'show', id })).schedule : null;
  const days = DAYS.map((name, at) => [name, h('input', { checked: now ? now.steps[0].days.includes(name) : [0, 2, 4].includes(at) })]);
  const at = h('input', { type: 'time', value: now?.at ?? '19:30' });
  const minutes = chooser([15, 20], now?.minutes ?? 20, (n) => t('checkin.minutes', { n }));
  const from = dated(iso(new Date()));
  const taper = h('input', { checked: !now || now.steps.length > 1 });
  put(root, h1(id ? 'checkin.change' : 'new.checkin'), lead('checkin.lead'), form({ submit: t(id ? 'save' : 'agr.propose'), work: async () => {
    const chosen = days.filter(([, field]) => field.checked).map(([name]) => name[0].toUpperCase() + name.slice(1));
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
    const text = lines.join('\n');
    if (id) return open(await verb('checkin', { verb: 'edit', id, title: null, text, review_on: ['keep', null] }));
    const entry = await verb('checkin', { verb: 'propose', from: null, title: '', text, language: lang(), review_on: null });
    note(t('agr.proposed.now'));
    open(entry);
  } },
  h('fieldset', null, h('legend', null, t('checkin.days')), beside(days.map(([, field], at) => tick(weekday(at), field)))),
  labelled(t('checkin.at'), at), labelled(t('checkin.long'), minutes), labelled(t('checkin.from'), from),
  h('div.field', null, tick(t('checkin.taper'), taper), help('checkin.taper.help'))),
  help(id ? 'agr.day.means' : 'agr.new.help'));
});

// One that was held without this page.
view('sat', async (_, root) => {
  const { agenda, minutes: long } = await checkin({ verb: 'agenda' });
  const ago = new Date(Date.now() - long * 60000);
  const begun = h('input', { type: 'datetime-local', value: `${iso(ago)}T${ago.toTimeString().slice(0, 5)}` });
  const minutes = h('input', { type: 'number', min: 1, max: 240, value: long });
  const about = agenda.map((one) => [one, h('input')]);
  const outcome = written();
  put(root, h1('sit.record'), form({ submit: t('sit.keep'), work: async () => {
    const ids = about.filter(([, field]) => field.checked).map(([{ id }]) => id);
    open(await checkin({ verb: 'held', started: new Date(begun.value).toISOString(), minutes: Number(minutes.value), agenda: ids, left: [], outcome: outcome.value.trim() || null, language: lang() }));
    note(t('sit.kept'));
  } },
  labelled(t('sit.begun'), begun), labelled(t('checkin.long'), minutes, t('sit.minutes')),
  about.length ? h('fieldset', null, h('legend', null, t('sit.talked')), about.map(([one, field]) => tick(point_of(one), field))) : null,
  labelled(t('sit.outcome'), outcome, t('sit.outcome.help'))));
});

/** What a point on an agenda is called. */
const point_of = ({ title, kind }) => title || t(`kind.${kind || 'unread'}`);

// A time together: a quiet page with nothing else on it.
view('sitting', async (_, root) => {
  const agenda = await checkin({ verb: 'agenda' });
  const people = [agenda.name, agenda.partner];
  let [point, turn, started, ticking] = [0, 0, null, null];
  const clock = h('p.clock', { role: 'timer' });
  const turns = h('p.turn', { 'aria-live': 'polite' });
  const about = spoken();
  document.body.classList.add('quiet-page');
  const end = () => {
    clearInterval(ticking);
    document.body.classList.remove('quiet-page');
  };

  const begin = () => {
    put(root,
      h1('sit.title'),
      lead('sit.lead', { n: agenda.minutes }),
      agenda.agenda.length ? section('sit.agenda', h('ol', null, agenda.agenda.map((one) => h('li', { dir: 'auto' }, point_of(one))))) : calm('sit.agenda.none'),
      beside(action(t('sit.start'), sit, { kind: 'main' }), action(t('cancel'), () => go('today'))));
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
    const point_ = () => put(about, agenda.agenda.length ? [h('p.kind', null, t('sit.about')), h('p.prose', { dir: 'auto' }, point_of(agenda.agenda[point]))] : null);
    const turn_ = () => (turns.textContent = t('sit.turn', { name: people[turn] }));
    put(root,
      h('h1.unseen', null, t('sit.title')),
      turns, about, clock,
      beside(
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
    const outcome = written();
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
  const title = written(200, t('packet.title'));
  const [ids, shown] = await choice();
  put(root, h1('new.packet'), lead('packet.lead'), form({ submit: t('packet.make'), work: async () => {
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
      section('packet.entries', h('ul.todo', null, packet.items.map((item) => h('li', null, h('div', null, h('span', { dir: 'auto' }, item.title || t(`kind.${item.kind}`)), h('span.detail', null, `${t(`kind.${item.kind}`)} · ${t(`packet.${item.standing}`)}`)),
        action(t('packet.remove'), does({ request: 'packet', verb: 'remove', id, entries: [item.id] })))))),
      fold(t('packet.preview'), h('div.card', null, prose(packet.page))));
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
      entry.state === 'agreed' ? hand(entry) : agreed ? help('packet.file') : [means('packet.means'), h('div.row.equal', null,
        action(t('packet.agree'), does({ request: 'packet', verb: 'agree', id, expect_hash: entry.hash }), { kind: 'main', key: 'agree' }),
        action(t('agr.decline'), does({ request: 'agreement', kind: 'packet', ask: { verb: 'decline', id, reason: null } }), { kind: 'main.other', key: 'decline' }))],
      more,
      agreed ? beside(action(t('agr.end'), does({ request: 'agreement', kind: 'packet', ask: { verb: 'end', id, reason: null } }))) : null);
  };
  put(root, read, act);
  await fill();
  return { changed: () => fill(true).catch(() => {}) };
});

/** The sealed file for a counselor: for who knows a passphrase, or for somebody's age recipients. */
function hand({ id }) {
  const pass = chosen(t('packet.pass'), t('packet.pass.help'));
  const recipients = exact();
  return fold(t('packet.hand'), h('p', null, t('packet.hand.means')), form({
    submit: t('packet.hand'),
    busy: t('packet.sealing'),
    work: async () => {
      const named = recipients.value.split(/[\s,]+/).filter(Boolean);
      await keep('/packet', { id, recipients: named, passphrase: named.length ? '' : pass.take() }, 'packet.zip.age');
      pass.clear();
      note(t('packet.handed'));
    },
  }, pass.shown, fold(t('packet.age'), labelled(t('packet.age'), recipients, t('packet.age.help')))));
}
