// Talks, apologies, feelings and space: each person's own words, and what the other says to them.

import { ask } from './api.js';
import { about, changes } from './agreement.js';
import { area, h, labelled, prose, put, tick } from './dom.js';
import { action, form, go, note, said, state, view } from './shell.js';
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
      const { title, body, actions } = draw(entry, again, mine);
      put(read, h('p.kind', null, t(`kind.${entry.kind}`), ' · ', t(`state.${entry.state}`)), h('h1', { dir: 'auto', tabindex: '-1' }, title), about(entry), entry.unread ? h('p.card', null, t('entry.unread')) : null, body,
        entry.from ? h('p', null, h('button.link', { onclick: async () => open(await ask({ request: 'show', id: entry.from })) }, t('entry.from'))) : null);
      return actions;
    };
    const again = async () => put(act, await all());
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

const talk = (request) => ask({ request: 'talk', ...request });

view('talk-new', (_, root) => {
  const topic = h('input', { dir: 'auto', maxlength: 200, autocomplete: 'off' });
  const text = area({ rows: 8 });
  const together = h('input');
  put(root,
    h('h1', null, t('new.talk')),
    h('p.lead', null, t('talk.lead')),
    form({ submit: t('talk.begin'), work: async () => {
      const entry = await talk({ verb: 'begin', topic: topic.value.trim(), text: text.value.trim() ? text.value : null, language: lang(), together: together.checked, from: null, draft: null });
      note(entry.private ? t('talk.waits') : t('talk.begun'));
      go('talk', { id: entry.id }, { replace: true });
    } }, labelled(t('talk.topic'), topic), labelled(t('talk.account'), text, t('talk.account.help')), tick(t('talk.together'), together), h('p.help', null, t('talk.together.help'))));
});

entryView('talk', (entry, again) => {
  const mine = entry.accounts.find((account) => account.mine);
  const theirs = entry.accounts.find((account) => !account.mine);
  const side = (account) => h('section.card', null,
    h('h2', null, t(account.mine ? 'talk.mine' : 'talk.theirs', { name: account.by })),
    account.text !== null ? prose(account.text) : h('p.calm', null, account.keeping?.state === 'waiting' ? t('talk.fixed.mine') : account.keeping?.state === 'kept_back' ? t('talk.keptback') : account.keeping?.state === 'lost' ? t('why.lost') : account.committed ? t('talk.fixed', { name: account.by }) : t('talk.untold')),
    account.keeping?.state === 'waiting' ? prose(account.keeping.text) : null,
    account.hearing ? [h('h3', null, t(account.mine ? 'talk.heard.theirs' : 'talk.heard.mine', { name: theirs?.by ?? state.status.partner })), prose(account.hearing.words),
      account.hearing.meant === null ? null : h('p.help', null, t(account.hearing.meant ? 'talk.meant.yes' : 'talk.meant.no')), account.hearing.remark ? prose(account.hearing.remark) : null]
      : account.heard_before ? h('p.help', null, t('talk.heard.before')) : null);
  const box = (label, submit, work, value = '', help) => {
    const field = area({ rows: 5, value });
    field.defaultValue = value;
    return form({ submit, work: async () => { await work(field.value); field.defaultValue = field.value; await again(); } }, labelled(label, field, help));
  };
  const remark = h('input', { dir: 'auto' });
  const draft = entry.private;
  return {
    title: entry.title || entry.asked || t('kind.talk'),
    body: [
      entry.goes_out ? h('p.card', null, t('talk.goesout', { when: moment(entry.goes_out) })) : null,
      entry.asked !== null ? h('section.words', null, h('h2', null, t('rocky.ask')), entry.asked ? prose(entry.asked) : null, entry.reply ? [h('h3', null, t('talk.reply')), prose(entry.reply)] : null) : null,
      entry.together ? h('p.help', null, t('talk.together.help')) : null,
      entry.accounts.map(side),
    ],
    actions: [
      entry.asked !== null && entry.reply === null && entry.author !== state.status.name ? box(t('talk.reply'), t('talk.reply.send'), (words) => talk({ verb: 'reply', id: entry.id, words })) : null,
      theirs?.text && !theirs.hearing ? box(t('talk.hear', { name: theirs.by }), t('talk.hear.send'), (words) => talk({ verb: 'heard', id: entry.id, words, of: theirs.hash }), '', t('talk.hear.help', { name: theirs.by })) : null,
      mine?.hearing && mine.hearing.meant === null ? h('section', null, h('h2', null, t('talk.meant', { name: theirs?.by ?? state.status.partner })), labelled(t('talk.remark'), remark),
        h('div.row.equal', null,
          action(t('talk.meant.say'), async () => { await talk({ verb: 'meant', id: entry.id, yes: true, words: remark.value, of: mine.hearing.hash }); await again(); }, { kind: 'main' }),
          action(t('talk.meant.not'), async () => { await talk({ verb: 'meant', id: entry.id, yes: false, words: remark.value, of: mine.hearing.hash }); await again(); }, { kind: 'main.other' }))) : null,
      !draft && !mine?.committed && (!mine || mine.text === null) && !(entry.asked !== null && entry.reply === null && entry.author !== state.status.name)
        ? box(t('talk.account'), t(entry.together ? 'talk.fix' : 'talk.tell'), (text) => talk({ verb: 'account', id: entry.id, text, draft: null }), '', t('talk.account.help')) : null,
      mine?.text && !entry.together ? h('details', null, h('summary', null, t('talk.again')), box(t('talk.account'), t('talk.tell'), (text) => talk({ verb: 'account', id: entry.id, text, draft: null }), mine.text)) : null,
      draft || mine?.keeping?.state === 'waiting' ? h('details', null, h('summary', null, t('talk.keepback')), h('p', null, t('talk.keepback.help')), action(t('talk.keepback'), async () => { await talk({ verb: 'keep_back', id: entry.id }); if (draft) go('kind', { kind: 'talk', place: 'all' }); else await again(); })) : null,
      !draft && entry.accounts.some((account) => account.text) ? h('div.row', null, action(t(mine?.settled ? 'talk.unsettle' : 'talk.settle'), async () => { await talk({ verb: 'settle', id: entry.id, on: !mine?.settled }); await again(); }),
        action(t('new.lesson'), () => go('propose', { kind: 'lesson', from: entry.id }))) : null,
    ],
  };
});

const PARTS = ['did', 'hurt', 'own', 'change', 'repair'];
const apology = (request) => ask({ request: 'apology', ...request });

const apologyForm = (words, save) => {
  const fields = PARTS.map((part) => [part, area({ rows: 3, value: words[part] ?? '' })]);
  return form({ submit: t('apology.keep'), work: () => save(Object.fromEntries(fields.map(([part, field]) => [part, field.value]))) },
    fields.map(([part, field]) => labelled(t(`apology.${part}`), field, t(`apology.${part}.help`))));
};

view('apology-new', ({ id = null, words = {} }, root) => {
  put(root, h('h1', null, t('new.apology')), h('p.lead', null, t('apology.lead')), apologyForm(words, async (words) => {
    const entry = await apology({ verb: 'write', id, words });
    go('apology', { id: entry.id }, { replace: true });
  }));
});

entryView('apology', (entry, again) => {
  const mine = entry.author === state.status.name;
  const given = !entry.private;
  const words = Object.fromEntries(PARTS.map((part) => [part, entry[part]]));
  const more = area({ rows: 3 });
  const reply = area({ rows: 3, value: entry.answer_words ?? '' });
  const ANSWERS = ['heard', 'not_yet', 'accepted', 'forgiven', 'declined'];
  return {
    title: t(mine ? 'apology.mine' : 'apology.theirs', { name: entry.author }),
    body: [
      PARTS.filter((part) => entry[part].trim()).map((part) => h('section', null, h('h2', null, t(`apology.${part}`)), prose(entry[part]))),
      entry.additions.map((added) => h('section', null, h('h3', null, t('apology.added')), prose(added))),
      entry.answer ? h('section.words', null, h('h2', null, t(mine ? 'apology.answer.theirs' : 'apology.answer.mine', { name: state.status.partner })), h('p', null, t(`answer.${entry.answer}`)), entry.answer_words ? prose(entry.answer_words) : null)
        : given && !mine ? null : given ? h('p.calm', null, t('apology.unanswered')) : null,
    ],
    actions: !given ? [
      h('p.means', null, t('apology.give.means', { partner: state.status.partner })),
      h('div.row.equal', null,
        action(t('apology.give'), async () => { const gone = await apology({ verb: 'give', id: entry.id, shown: words }); note(t('apology.given')); go('apology', { id: gone.id }, { replace: true }); }, { kind: 'main' }),
        action(t('apology.edit'), () => go('apology-new', { id: entry.id, words }), { kind: 'main.other' })),
    ] : mine ? h('details', null, h('summary', null, t('apology.add')), form({ submit: t('apology.add'), quiet: true, work: async () => { await apology({ verb: 'add', id: entry.id, text: more.value }); await again(); } }, labelled(t('apology.add.words'), more)))
      : [
        h('p.means', null, t('apology.answer.means')),
        labelled(t('apology.answer.words'), reply),
        h('div.answers', { role: 'group', 'aria-label': t('apology.answer.mine') }, ANSWERS.map((answer) =>
          h('button.quiet', { type: 'button', 'data-key': answer, 'aria-pressed': String(entry.answer === answer), onclick: async () => { await apology({ verb: 'answer', id: entry.id, answer, words: reply.value }); reply.defaultValue = reply.value; note(t('apology.answered')); await again(); } }, t(`answer.${answer}`)))),
        entry.answer ? action(t('apology.withdraw'), async () => { await apology({ verb: 'withdraw', id: entry.id }); await again(); }) : null,
        action(t('new.lesson'), () => go('propose', { kind: 'lesson', from: entry.id })),
      ],
  };
});

const feel = (request) => ask({ request: 'feel', ...request });
const feelingForm = (feeling, submit, save) => {
  const words = area({ rows: 4, value: feeling.words ?? '' });
  const because = area({ rows: 2, value: feeling.because ?? '' });
  const strong = h('select', null, [0, 1, 2, 3, 4, 5].map((n) => h('option', { value: n, selected: (feeling.intensity ?? 0) === n }, t(`feeling.strong.${n}`))));
  const tags = h('input', { dir: 'auto', autocomplete: 'off', value: (feeling.tags ?? []).join(', ') });
  return form({ submit, work: () => save({ words: words.value, because: because.value, intensity: Number(strong.value), tags: tags.value.split(',').map((tag) => tag.trim()).filter(Boolean) }) },
    labelled(t('feeling.words'), words), labelled(t('feeling.because'), because), labelled(t('feeling.strong'), strong), labelled(t('feeling.tags'), tags, t('feeling.tags.help')));
};

view('feeling-new', (_, root) => {
  put(root, h('h1', null, t('new.feeling')), h('p.lead', null, t('feeling.lead')), feelingForm({}, t('feeling.keep'), async (feeling) => {
    const entry = await feel({ verb: 'write', feeling: { ...feeling, intensity: feeling.intensity || null } });
    note(t('feeling.kept'));
    go('feeling', { id: entry.id }, { replace: true });
  }));
});

entryView('feeling', (entry, again) => {
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
    body: [prose(entry.words), entry.because ? h('section', null, h('h2', null, t('feeling.because')), prose(entry.because)) : null,
      h('p.help', null, [entry.intensity ? t(`feeling.strong.${entry.intensity}`) : '', entry.tags.join(' · ')].filter(Boolean).join(' · '))],
    actions: entry.private ? [
      h('details', null, h('summary', null, t('feeling.edit')), feelingForm(entry, t('save'), async (change) => { await feel({ verb: 'edit', id: entry.id, change }); note(t('live.saved')); await again(); })),
      state.status.partner === null ? null : h('details', null, h('summary', null, t('feeling.share')), h('p', null, t('feeling.share.means', { partner: state.status.partner })), h('div.card', null, prose([entry.words, entry.because].filter(Boolean).join('\n\n')), h('p.help', null, t(entry.intensity ? 'feeling.share.strong' : 'feeling.share.all'))),
        talks,
        action(t('feeling.share.do'), async () => { const copy = await feel({ verb: 'share', id: entry.id, as_account: talks.querySelector('select')?.value || null, shown }); note(t('feeling.shared')); open(copy); }, { kind: 'main' })),
    ] : null,
  };
});

const space = (request) => ask({ request: 'space', ...request });
view('space-new', (_, root) => {
  const hours = h('select', null, [2, 4, 8, 12, 24, 48, 72].map((n) => h('option', { value: n, selected: n === 12 }, t('space.hours', { n }))));
  const words = area({ rows: 2 });
  put(root, h('h1', null, t('new.space')), h('p.lead', null, t('space.lead')), form({ submit: t('space.ask'), work: async () => {
    const until = new Date(Date.now() + Number(hours.value) * 3600000).toISOString().replace(/\.\d+Z/, 'Z');
    const entry = await space({ verb: 'ask', until, words: words.value });
    note(t('space.asked'));
    open(entry);
  } }, labelled(t('space.long'), hours), labelled(t('space.words'), words, t('space.words.help'))));
});

entryView('space', (entry, again) => ({
  title: t(entry.author === state.status.name ? 'space.mine' : 'space.theirs', { name: entry.author }),
  body: [entry.words ? prose(entry.words) : null, h('p', null, entry.over ? t('space.over', { when: moment(entry.over) }) : entry.ends ? t(new Date(entry.ends) > new Date() ? 'space.until' : 'space.over', { when: moment(entry.ends) }) : ''), h('p.help', null, t('space.means'))],
  actions: entry.author === state.status.name && !entry.over && new Date(entry.ends) > new Date() ? action(t('space.end'), async () => { await space({ verb: 'over', id: entry.id }); await again(); }) : null,
}));
