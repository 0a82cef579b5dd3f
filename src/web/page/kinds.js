// Talks, apologies, feelings and space: each person's own words, and what the other says to them.

import { ask, asking } from './api.js';
import { about, changes } from './agreement.js';
import { area, beside, calm, chooser, fold, h, h1, h2, h3, help, labelled, lead, linked, means, prose, put, section, tick, written } from './dom.js';
import { action, form, go, note, offer, said, state, view } from './shell.js';
import { open } from './today.js';
import { lang, moment, t } from './words.js';
import { part } from './journal.js';

/** Whether what happened may have changed how this entry looks. */
export const concerns = (event, id) => event.event === 'again' || (event.event === 'changed' && event.entry.id === id) || (event.event === 'reached' && event.id === id);

/** A view of one entry that is drawn anew whenever something in it changes, and keeps what is just being typed. */
export function entryView(kind, draw) {
  view(kind, async ({ id, place }, root) => {
    const read = h('div');
    const act = h('div');
    /** What a kind keeps as long as its view is shown; `end` ends it. */
    const mine = {};
    let entry;
    const all = async () => {
      entry = await ask({ request: 'show', id });
      const { title, body, actions } = draw(entry, then, mine);
      put(read, h('p.kind', null, t(`kind.${entry.kind}`), ' · ', t(`state.${entry.state}`)), h('h1', { dir: 'auto', tabindex: '-1' }, title), about(entry), entry.unread ? h('p.card', null, t('entry.unread')) : null, body,
        entry.from ? linked('entry.from', async () => open(await ask({ request: 'show', id: entry.from }))) : null);
      return actions;
    };
    const again = async () => put(act, await all());
    const then = (work) => async (...given) => {
      await work(...given);
      await again();
    };
    put(root, read, act);
    await again();
    return {
      changed: async (event) => {
        if (!concerns(event, entry.id)) return;
        const actions = await all().catch(() => null);
        const filling = [...act.querySelectorAll('textarea, input')].some((field) => field.value !== field.defaultValue && field.type !== 'checkbox');
        if (actions && !filling) put(act, actions);
        if (event.event === 'changed') said(t('entry.news'));
      },
      end: () => mine.end?.(),
    };
  });
}

/** The questions of a form one at a time, for who would rather be asked; all that was written stands there at the end. */
function asks(node) {
  const fields = [...node.querySelectorAll(':scope > .field')];
  const guide = h('div.guide', { 'aria-live': 'polite' });
  const step = (at) => {
    const field = fields[at];
    // It stands below what is asked, and above all of it.
    node[field ? 'append' : 'prepend'](guide);
    node.classList.toggle('asks', !!field);
    for (const one of fields) one.classList.toggle('asked', one === field);
    put(guide, field ? help('guide.where', { n: at + 1, of: fields.length }) : at ? h('p', null, t('guide.end')) : null,
      beside(field
        ? [at ? action(t('back'), () => step(at - 1)) : null, action(t('next'), () => step(at + 1), { kind: 'main' }), action(t('guide.stop'), () => step(-1))]
        : action(t('guide.begin'), () => step(0))));
    const into = (field ?? fields[0]).querySelector('textarea, input, select');
    into.grow?.();
    into.focus();
  };
  put(guide, beside(action(t('guide.begin'), () => step(0))));
  node.prepend(guide);
  return node;
}

const talk = asking('talk');

view('talk-new', async ({ draft = null }, root) => {
  const before = draft ? await ask({ request: 'show', id: draft }) : null;
  const topic = written(200, before?.title ?? '');
  const text = area({ rows: 8, value: told_in(before) });
  const together = h('input', { checked: before?.together ?? false });
  const words = () => ({ topic: topic.value.trim(), text: text.value.trim() ? text.value : null, language: lang(), together: together.checked, from: null, draft });
  put(root,
    h1('new.talk'),
    lead('talk.lead'),
    asks(form({ submit: t('talk.begin'), work: async () => {
      const entry = await talk({ verb: 'begin', ...words() });
      note(entry.private ? t('talk.waits') : t('talk.begun'));
      go('talk', { id: entry.id }, { replace: true });
    } }, labelled(t('talk.topic'), topic), labelled(t('talk.account'), text, t('talk.account.help')), tick(t('talk.together'), together), help('talk.together.help'))),
    beside(action(t('talk.later'), async () => {
      const entry = await talk({ verb: 'later', entry: null, ...words(), text: text.value });
      go('talk', { id: entry.id }, { replace: true });
    })));
});

/** What a draft of a talk says so far. */
const told_in = (entry) => entry?.accounts.find((account) => account.mine)?.text ?? entry?.asked ?? '';

entryView('talk', (entry, then) => {
  const mine = entry.accounts.find((account) => account.mine);
  const theirs = entry.accounts.find((account) => !account.mine);
  const side = (account) => h('section.card', null,
    h2(account.mine ? 'talk.mine' : 'talk.theirs', { name: account.by }),
    account.text !== null ? prose(account.text) : h('p.calm', null, account.keeping?.state === 'waiting' ? t('talk.fixed.mine') : account.keeping?.state === 'kept_back' ? t('talk.keptback') : account.keeping?.state === 'lost' ? t('why.lost') : account.committed ? t('talk.fixed', { name: account.by }) : t('talk.untold')),
    account.keeping?.state === 'waiting' ? prose(account.keeping.text) : null,
    account.hearing ? [h3(account.mine ? 'talk.heard.theirs' : 'talk.heard.mine', { name: theirs?.by ?? state.status.partner }), prose(account.hearing.words),
      account.hearing.meant === null ? null : help(account.hearing.meant ? 'talk.meant.yes' : 'talk.meant.no'), account.hearing.remark ? prose(account.hearing.remark) : null]
      : account.heard_before ? help('talk.heard.before') : null);
  const box = (label, submit, work, value = '', help) => {
    const field = area({ rows: 5, value });
    field.defaultValue = value;
    return form({ submit, work: then(async () => { await work(field.value); field.defaultValue = field.value; }) }, labelled(label, field, help));
  };
  const remark = written();
  const draft = entry.private;
  const drop = () => talk({ verb: 'keep_back', id: entry.id });
  const meant = (yes) => then(() => talk({ verb: 'meant', id: entry.id, yes, words: remark.value, of: mine.hearing.hash }));
  return {
    title: entry.title || entry.asked || t('kind.talk'),
    body: [
      entry.goes_out ? h('p.card', null, t('talk.goesout', { when: moment(entry.goes_out) })) : null,
      entry.asked !== null ? h('section.words', null, h2('rocky.ask'), entry.asked ? prose(entry.asked) : null, entry.reply ? [h3('talk.reply'), prose(entry.reply)] : null) : null,
      entry.together ? help('talk.together.help') : null,
      entry.accounts.map(side),
    ],
    actions: [
      entry.asked !== null && entry.reply === null && entry.author !== state.status.name ? box(t('talk.reply'), t('talk.reply.send'), (words) => talk({ verb: 'reply', id: entry.id, words })) : null,
      theirs?.text && !theirs.hearing ? box(t('talk.hear', { name: theirs.by }), t('talk.hear.send'), (words) => talk({ verb: 'heard', id: entry.id, words, of: theirs.hash }), '', t('talk.hear.help', { name: theirs.by })) : null,
      mine?.hearing && mine.hearing.meant === null ? h('section', null, h2('talk.meant', { name: theirs?.by ?? state.status.partner }), labelled(t('talk.remark'), remark),
        h('div.row.equal', null,
          action(t('talk.meant.say'), meant(true), { kind: 'main' }), action(t('talk.meant.not'), meant(false), { kind: 'main.other' }))) : null,
      entry.state === 'draft' ? entry.draft_of ? box(t('talk.account'), t('talk.tell'), async (text) => open(await talk({ verb: 'account', id: entry.draft_of, text, draft: entry.id })), told_in(entry), t('talk.account.help'))
        : beside(action(t('apology.edit'), () => go('talk-new', { draft: entry.id }), { kind: 'main' })) : null,
      !draft && !mine?.committed && (!mine || mine.text === null) && !(entry.asked !== null && entry.reply === null && entry.author !== state.status.name)
        ? box(t('talk.account'), t(entry.together ? 'talk.fix' : 'talk.tell'), (text) => talk({ verb: 'account', id: entry.id, text, draft: null }), '', t('talk.account.help')) : null,
      mine?.text && !entry.together ? fold(t('talk.again'), box(t('talk.account'), t('talk.tell'), (text) => talk({ verb: 'account', id: entry.id, text, draft: null }), mine.text)) : null,
      draft || mine?.keeping?.state === 'waiting' ? fold(t('talk.keepback'), h('p', null, t('talk.keepback.help')), action(t('talk.keepback'), draft ? async () => { await drop(); go('kind', { kind: 'talk', place: 'all' }); } : then(drop))) : null,
      !draft && entry.accounts.some((account) => account.text) ? beside(action(t(mine?.settled ? 'talk.unsettle' : 'talk.settle'), then(() => talk({ verb: 'settle', id: entry.id, on: !mine?.settled }))),
        action(t('new.lesson'), () => go('propose', { kind: 'lesson', from: entry.id }))) : null,
    ],
  };
});

const PARTS = ['did', 'hurt', 'own', 'change', 'repair'];
const apology = asking('apology');

const apologyForm = (words, save) => {
  const fields = PARTS.map((part) => [part, area({ rows: 3, value: words[part] ?? '' })]);
  return asks(form({ submit: t('apology.keep'), work: () => save(Object.fromEntries(fields.map(([part, field]) => [part, field.value]))) },
    fields.map(([part, field]) => labelled(t(`apology.${part}`), field, t(`apology.${part}.help`)))));
};

view('apology-new', ({ id = null, words = {} }, root) => {
  put(root, h1('new.apology'), lead('apology.lead'), apologyForm(words, async (words) => {
    const entry = await apology({ verb: 'write', id, words });
    go('apology', { id: entry.id }, { replace: true });
  }));
});

entryView('apology', (entry, then) => {
  const mine = entry.author === state.status.name;
  const given = !entry.private;
  const words = Object.fromEntries(PARTS.map((part) => [part, entry[part]]));
  const more = area({ rows: 3 });
  const reply = area({ rows: 3, value: entry.answer_words ?? '' });
  const ANSWERS = ['heard', 'not_yet', 'accepted', 'forgiven', 'declined'];
  return {
    title: t(mine ? 'apology.mine' : 'apology.theirs', { name: entry.author }),
    body: [
      PARTS.filter((part) => entry[part].trim()).map((part) => section(`apology.${part}`, prose(entry[part]))),
      entry.additions.map((added) => h('section', null, h3('apology.added'), prose(added))),
      entry.answer ? h('section.words', null, h2(mine ? 'apology.answer.theirs' : 'apology.answer.mine', { name: state.status.partner }), h('p', null, t(`answer.${entry.answer}`)), entry.answer_words ? prose(entry.answer_words) : null)
        : given && !mine ? null : given ? calm('apology.unanswered') : null,
    ],
    actions: !given ? [
      means('apology.give.means', { partner: state.status.partner }),
      h('div.row.equal', null,
        action(t('apology.give'), async () => { const gone = await apology({ verb: 'give', id: entry.id, shown: words }); note(t('apology.given')); go('apology', { id: gone.id }, { replace: true }); }, { kind: 'main' }),
        action(t('apology.edit'), () => go('apology-new', { id: entry.id, words }), { kind: 'main.other' })),
    ] : mine ? offer('apology.add', 'apology.add', then(() => apology({ verb: 'add', id: entry.id, text: more.value })), labelled(t('apology.add.words'), more))
      : [
        means('apology.answer.means'),
        labelled(t('apology.answer.words'), reply),
        h('div.answers', { role: 'group', 'aria-label': t('apology.answer.mine') }, ANSWERS.map((answer) =>
          h('button.quiet', { type: 'button', 'data-key': answer, 'aria-pressed': String(entry.answer === answer), onclick: then(async () => { await apology({ verb: 'answer', id: entry.id, answer, words: reply.value }); reply.defaultValue = reply.value; note(t('apology.answered')); }) }, t(`answer.${answer}`)))),
        entry.answer ? action(t('apology.withdraw'), then(() => apology({ verb: 'withdraw', id: entry.id }))) : null,
        action(t('new.lesson'), () => go('propose', { kind: 'lesson', from: entry.id })),
      ],
  };
});

const feel = asking('feel');
const feelingForm = (feeling, submit, save) => {
  const words = area({ rows: 4, value: feeling.words ?? '' });
  const because = area({ rows: 2, value: feeling.because ?? '' });
  const strong = chooser([0, 1, 2, 3, 4, 5], feeling.intensity ?? 0, (n) => t(`feeling.strong.${n}`));
  const tags = written(null, (feeling.tags ?? []).join(', '));
  return form({ submit, work: () => save({ words: words.value, because: because.value, intensity: Number(strong.value), tags: tags.value.split(',').map((tag) => tag.trim()).filter(Boolean) }) },
    labelled(t('feeling.words'), words, t('feeling.words.help')), labelled(t('feeling.because'), because, t('feeling.because.help')), labelled(t('feeling.strong'), strong), labelled(t('feeling.tags'), tags, t('feeling.tags.help')));
};

view('feeling-new', (_, root) => {
  put(root, h1('new.feeling'), lead('feeling.lead'), asks(feelingForm({}, t('feeling.keep'), async (feeling) => {
    const entry = await feel({ verb: 'write', feeling: { ...feeling, intensity: feeling.intensity || null } });
    note(t('feeling.kept'));
    go('feeling', { id: entry.id }, { replace: true });
  })));
});

entryView('feeling', (entry, then) => {
  // It may be my account in a talk that has none of mine yet.
  const talks = h('div');
  if (entry.private && state.status.partner !== null) {
    part('talk')(0, 40).then((all) => {
      const open_ = all.filter((one) => !one.private && !one.accounts.some((account) => account.mine && (account.text !== null || account.committed)));
      if (open_.length) put(talks, labelled(t('feeling.share.as'), h('select', null, h('option', { value: '' }, t('feeling.share.alone')), open_.map((one) => h('option', { value: one.id }, one.title || t('kind.talk'))))));
    }, () => {});
  }
  const shown = { words: entry.words, because: entry.because, intensity: entry.intensity, tags: entry.tags, ...(entry.shared_as ? { shared_as: entry.shared_as } : {}) };
  return {
    title: entry.title || t('kind.feeling'),
    body: [prose(entry.words), entry.because ? section('feeling.because', prose(entry.because)) : null,
      h('p.help', null, [entry.intensity ? t(`feeling.strong.${entry.intensity}`) : '', entry.tags.join(' · ')].filter(Boolean).join(' · '))],
    actions: entry.private ? [
      fold(t('feeling.edit'), feelingForm(entry, t('save'), then(async (change) => { await feel({ verb: 'edit', id: entry.id, change }); note(t('live.saved')); }))),
      state.status.partner === null ? null : fold(t('feeling.share'), h('p', null, t('feeling.share.means', { partner: state.status.partner })), h('div.card', null, prose([entry.words, entry.because].filter(Boolean).join('\n\n')), help(entry.intensity ? 'feeling.share.strong' : 'feeling.share.all')),
        talks,
        action(t('feeling.share.do'), async () => { const copy = await feel({ verb: 'share', id: entry.id, as_account: talks.querySelector('select')?.value || null, shown }); note(t('feeling.shared')); open(copy); }, { kind: 'main' })),
    ] : null,
  };
});

const space = asking('space');
view('space-new', (_, root) => {
  const hours = chooser([2, 4, 8, 12, 24, 48, 72], 12, (n) => t('space.hours', { n }));
  const words = area({ rows: 2 });
  put(root, h1('new.space'), lead('space.lead'), form({ submit: t('space.ask'), work: async () => {
    const until = new Date(Date.now() + Number(hours.value) * 3600000).toISOString().replace(/\.\d+Z/, 'Z');
    const entry = await space({ verb: 'ask', until, words: words.value });
    note(t('space.asked'));
    open(entry);
  } }, labelled(t('space.long'), hours), labelled(t('space.words'), words, t('space.words.help'))));
});

entryView('space', (entry, then) => ({
  title: t(entry.author === state.status.name ? 'space.mine' : 'space.theirs', { name: entry.author }),
  body: [entry.words ? prose(entry.words) : null, h('p', null, entry.over ? t('space.over', { when: moment(entry.over) }) : entry.ends ? t(new Date(entry.ends) > new Date() ? 'space.until' : 'space.over', { when: moment(entry.ends) }) : ''), help('space.means')],
  actions: entry.author === state.status.name && !entry.over && new Date(entry.ends) > new Date() ? action(t('space.end'), then(() => space({ verb: 'over', id: entry.id }))) : null,
}));
