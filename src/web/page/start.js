// What comes before the journal: making one, unlocking it, the recovery kit, pairing.

import { converse, post, watch, Failure } from './api.js';
import { area, beside, calm, exact, fold, h, h1, h2, help, labelled, lead, linked, put, secret, spoken, svg, tick } from './dom.js';
import { action, form, frame, go, happened, refreshStatus, said, state, view, words } from './shell.js';
import { lang, languages, moment, speak, t } from './words.js';

/** The journal is open, and what happens in it is heard. */
export function hear(stand) {
  state.touchEvery = Math.min(30000, (stand.lock_after * 1000) / 3);
  watch(happened, () => happened({ event: 'again' }));
}

/** The page has a session: what is shown depends on what there is. */
export async function inside(stand) {
  if (stand.state === 'absent') return go('begin', {}, { replace: true });
  if (stand.state === 'locked') return go('lock', {}, { replace: true });
  hear(stand);
  const was = state.was;
  state.was = null;
  // The first view asks for it itself.
  if (!was && !stand.fresh) return go('today', {}, { replace: true });
  const status = await refreshStatus();
  if (was) return go(was.name, was.args, { replace: true });
  return go(status.partner === null ? 'pair' : 'today', {}, { replace: true });
}

/** In which language the page speaks. */
export function tongues(after) {
  return h('p.row.tongues', null, languages.map(([tag, name]) =>
    h('button.link', { type: 'button', lang: tag, 'aria-pressed': String(tag === lang()), onclick: async () => { await speak(tag); frame(); after(); } }, name)));
}

const foot = (name) => h('footer', null, linked('start.safety', () => go('safety')), tongues(() => go(name, {}, { replace: true })));

view('begin', (_, root) => {
  const name = h('input', { autocomplete: 'off', dir: 'auto', maxlength: 64 });
  const pass = chosen(t('start.pass'), t('start.pass.help'));
  const kit = h('input');
  put(root,
    h1('start.title'),
    lead('start.what'),
    form({
      submit: t('start.make'),
      busy: t('start.making'),
      work: async () => {
        const sheet = await post('/begin', { name: name.value, passphrase: pass.take(), kit: kit.checked });
        pass.clear();
        const done = async (given) => inside({ ...(await post('/begin/finish', { words: given })), fresh: true });
        if (sheet === null) return inside({ ...(await post('/state')), fresh: true });
        paper(root, sheet, { done, without: () => done(null) });
      },
    },
    labelled(t('start.name'), name, t('start.name.help')),
    pass.shown,
    h('div.field', null, tick(t('start.kit'), kit), help('start.kit.help'))),
    linked('restore.have', () => go('backup', { restore: true })),
    h('p.aside', null, t('leave.how')),
    foot('begin'));
});

/** The words of a kit, then three of them back. `done(words)` may throw what is wrong with them. */
export function paper(root, sheet, { done, without, cancel }) {
  const show = () => {
    put(root,
      h('h1', { tabindex: '-1' }, t('kit.title')),
      lead('kit.write'),
      h('ol.kit', { lang: 'en', translate: 'no' }, sheet.words.map((word) => h('li', null, word))),
      beside(action(t('kit.written'), back, { kind: 'main' }), cancel && action(t('cancel'), cancel)));
    root.querySelector('h1').focus();
  };
  const back = () => {
    const fields = sheet.asked.map((n) => [n, exact()]);
    put(root,
      h('h1', { tabindex: '-1' }, t('kit.back')),
      form({
        submit: t('kit.check'),
        work: () => done(Object.fromEntries(fields.map(([n, field]) => [n, field.value]))),
      }, fields.map(([n, field]) => labelled(t('kit.word', { n }), field))),
      beside(sheet.words && action(t('kit.see'), show), without && action(t('kit.without'), without), cancel && action(t('cancel'), cancel)));
    root.querySelector('h1').focus();
  };
  if (sheet.words) show();
  else back();
}

view('stale', (_, root) => {
  put(root, h1('start.title'), lead('start.other'), foot('stale'));
});

view('lock', (_, root) => {
  const pass = secret();
  put(root,
    h1('lock.title'),
    form({
      submit: t('lock.open'),
      busy: t('lock.opening'),
      work: async () => {
        const stand = await post('/unlock', { passphrase: pass.value });
        pass.value = '';
        await inside(stand);
      },
    }, labelled(t('lock.pass'), pass)),
    h('p.aside', null, t('leave.how')),
    linked('lock.forgot', () => go('forgot')),
    linked('doctor.title', () => go('doctor')),
    foot('lock'));
});

/** Two fields for a passphrase that is chosen now, and what was chosen. */
export function chosen(label, help) {
  const fields = [0, 1].map(() => h('input', { type: 'password', autocomplete: 'new-password' }));
  return {
    shown: [labelled(label, fields[0], help), labelled(t('start.again'), fields[1])],
    take() {
      const [first, second] = fields.map((field) => field.value);
      if (first !== second) throw new Failure({ code: 'differ', message: t('start.differ'), hint: '' });
      if (first === '') throw new Failure({ code: 'empty_passphrase', message: '', hint: '' });
      return first;
    },
    clear: () => fields.forEach((field) => (field.value = '')),
  };
}

/** A field for the words of a kit. */
export const twentyfour = () => area({ rows: 4, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', lang: 'en' });

// The kit opens the journal where its passphrase is forgotten, and a new one is chosen at once.
view('forgot', (_, root) => {
  const kit = twentyfour();
  const pass = chosen(t('start.pass'), t('start.pass.help'));
  put(root,
    h1('forgot.title'),
    lead('forgot.lead'),
    form({
      submit: t('lock.open'),
      busy: t('lock.opening'),
      work: async () => {
        const stand = await post('/passphrase', { words: kit.value, new: pass.take() });
        kit.value = '';
        pass.clear();
        await inside(stand);
      },
    }, labelled(t('forgot.words'), kit), pass.shown),
    linked('cancel', () => go('lock', {}, { replace: true })));
});

/** Squares for a camera. */
async function square(content) {
  const { side, dark } = await post('/qr', { content });
  const path = dark.map((on, at) => (on ? `M${at % side} ${Math.floor(at / side)}h1v1h-1z` : '')).join('');
  return svg('svg', { class: 'qr', viewBox: `-4 -4 ${side + 8} ${side + 8}`, role: 'img', 'aria-label': t('pair.qr') },
    svg('rect', { x: -4, y: -4, width: side + 8, height: side + 8, fill: '#fff' }), svg('path', { d: path, fill: '#000' }));
}

view('pair', (_, root) => {
  let talk = null;
  let paired = null;
  const step = spoken();
  const failed = h('p.failed', { role: 'alert' });

  const choose = () => {
    talk = null;
    put(step,
      lead('pair.what'),
      h('div.row.choices', null,
        action(t('pair.show'), () => begin({ request: 'pair_host', listen: null }), { kind: 'main' }),
        action(t('pair.type'), type, { kind: 'main' })),
      linked('cancel', () => go('today')));
  };

  const type = () => {
    const code = h('input', { autocomplete: 'off', inputmode: 'numeric', spellcheck: 'false' });
    const peer = exact();
    put(step, form({
      submit: t('pair.join'),
      work: () => {
        failed.textContent = '';
        if (talk) talk.answer({ answer: 'code', code: code.value });
        else begin({ request: 'pair_join', code: code.value, peer: peer.value.trim() || null, listen: null });
      },
    }, labelled(t('pair.code'), code, t('pair.code.help')), talk ? null : fold(t('pair.where'), labelled(t('pair.where'), peer, t('pair.where.help')))),
    linked('cancel', choose));
    code.focus();
  };

  const begin = (request) => {
    const joins = request.request === 'pair_join';
    failed.textContent = '';
    put(step, calm(joins ? 'pair.stage.looking' : 'pair.stage.waiting'));
    const mine = (talk = converse(request, async (event) => {
      if (talk !== mine) return;
      switch (event.event) {
        case 'code': {
          put(step,
            h('p', null, t('pair.read')),
            h('p.code', { translate: 'no' }, event.code),
            h('div.square', null),
            help('pair.wait', { time: moment(event.expires) }),
            event.listen.length ? fold(t('pair.where'), h('p.help.listen', null, event.listen.join(' · '))) : null,
            linked('cancel', () => go('pair', {}, { replace: true })));
          // In upper case it takes fewer squares.
          const drawn = await square(event.paste.toUpperCase()).catch(() => null);
          if (drawn) step.querySelector('.square')?.replaceChildren(drawn);
          break;
        }
        case 'found':
          put(step, calm('pair.found'));
          break;
        case 'progress':
          put(step, calm(`pair.stage.${event.stage}`));
          break;
        case 'number':
          put(step,
            h('p', null, t('pair.with', { name: event.name })),
            h2('pair.same'),
            h('p.code', { translate: 'no' }, event.number),
            beside(
              action(t('pair.yes'), () => { put(step, calm('pair.stage.partner_confirms')); return talk.answer({ answer: 'same_number', yes: true }); }, { kind: 'main' }),
              action(t('pair.no'), () => talk.answer({ answer: 'same_number', yes: false }))));
          break;
        case 'pair_failed':
          failed.textContent = words(new Failure(event));
          if (joins) type();
          break;
        case 'new_code_needs_key':
          put(step, action(t('pair.newcode'), () => talk.answer({ answer: 'new_code' }), { kind: 'main' }));
          break;
        case 'paired':
          paired = event.partner;
          break;
      }
    }));
    mine.ended.then(async () => {
      await refreshStatus();
      frame();
      said(t('pair.done', { name: paired ?? state.status.partner }));
      put(root,
        h('h1', { tabindex: '-1' }, t('pair.done', { name: paired ?? state.status.partner })),
        lead('leave.how'),
        beside(action(t('pair.go'), () => go('today', {}, { replace: true }), { kind: 'main' })));
      root.querySelector('h1').focus();
    }, (error) => {
      if (talk !== mine || !root.isConnected) return;
      failed.textContent = words(error);
      choose();
    });
  };

  put(root, h1('pair.title'), failed, step, help('pair.keepopen'));
  choose();
});

view('safety', async (_, root) => {
  const text = await (await fetch('/safety.txt', { cache: 'no-store', credentials: 'omit' })).text();
  const blocks = text.trim().split(/\n\s*\n/);
  put(root, linked('back', () => history.back()), h('div.safety', { lang: 'en' }, blocks.map((block, at) => (at === 0 ? h('h1', null, block) : h('p.prose', null, block)))));
});
