// The frame of the page: what is shown, where the person is, the way off it, and what is said aloud.

import { ask, entered, leave, on, post, Failure, Lost } from './api.js';
import { beside, fold, h, put } from './dom.js';
import { has, t } from './words.js';

const main = () => document.getElementById('main');
const views = {};
let current = null;
let going = 0;

/** What is known of the two, refreshed with `refreshStatus`. */
export const state = { status: null };

/** Makes a view known: `show(args, root)` fills `root` and may give `{changed(event), end()}`. */
export const view = (name, show) => (views[name] = show);

/** Says something to who cannot see it appear. */
export function said(words) {
  const place = document.getElementById('said');
  place.textContent = '';
  setTimeout(() => (place.textContent = words), 60);
}

/** Says it to everybody, for a while. */
export function note(words) {
  const old = document.querySelector('#notices .note');
  old?.remove();
  const node = h('p.note', null, words);
  document.getElementById('notices').append(node);
  said(words);
  setTimeout(() => node.remove(), 5000);
}

/** What failed, in this language where it is known in it. */
export function words(error) {
  if (error instanceof Lost) return t('lost');
  if (!(error instanceof Failure)) return String(error);
  const key = `fail.${error.code}`;
  if (has(key)) return t(key, error);
  // What to do there is partly said for who types commands.
  return [error.message, ...(error.hint ?? '').split(/(?<=[.:]) /).filter((sentence) => !sentence.includes('amends '))].join(' ').trim();
}

/** Goes to a view. The address stays as it is, so that the browser's own history says nothing. */
export function go(name, args = {}, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState']({ name, args }, '', '/');
  return show(name, args);
}

/** Shows what is shown again, from the start. */
export const again = () => show(current.name, current.args, true);
export const here = () => current;

async function show(name, args, stay = false) {
  const mine = ++going;
  current?.handle?.end?.();
  const root = h('div.view', { 'data-view': name });
  current = { name, args, handle: null };
  let handle;
  try {
    handle = await views[name](args, root);
  } catch (error) {
    if (error.code === 'page_locked') return;
    put(root, h('h1', { tabindex: '-1' }, t('app')), h('p.failed', { role: 'alert' }, words(error)), h('p', null, h('button.quiet', { onclick: () => go('today') }, t('nav.today'))));
  }
  if (mine !== going) {
    handle?.end?.();
    return;
  }
  current.handle = handle ?? {};
  main().replaceChildren(root);
  for (const field of root.querySelectorAll('textarea')) field.dispatchEvent(new Event('input-size'));
  if (!stay) {
    scrollTo(0, 0);
    const title = root.querySelector('h1');
    title?.setAttribute('tabindex', '-1');
    title?.focus({ preventScroll: true });
  }
  frame();
  // What happened while it was being put together is on it, too.
  if (current.missed) handle?.changed?.({ event: 'again' });
}

addEventListener('popstate', (event) => {
  if (!entered() || !event.state) return;
  show(event.state.name, event.state.args);
});

const PLACES = [
  ['today', 'nav.today'],
  ['write', 'nav.write'],
  ['all', 'nav.all'],
  ['time', 'nav.time'],
  ['search', 'nav.search'],
  ['settings', 'nav.settings'],
];

/** The top of the page. */
export function frame() {
  const inside = entered() && state.status !== null;
  const where = current?.args?.place ?? current?.name;
  put(
    document.getElementById('top'),
    inside
      ? h('nav', { 'aria-label': t('nav.main') }, PLACES.map(([name, key]) =>
          h('button', { 'data-key': name, 'aria-current': where === name ? 'page' : null, onclick: () => go(name) }, t(key))))
      : h('span.brand', null, t('app')),
    entered() ? h('button.leave', { 'data-key': 'leave', title: t('leave.how'), onclick: away }, t('leave.now')) : null,
  );
  document.getElementById('skip').textContent = t('skip');
  document.getElementById('notices').setAttribute('aria-label', t('notices'));
}

/** Off the page, now: nothing is left on it, and the journal locks. */
export function away() {
  current?.handle?.end?.();
  leave();
  document.title = '';
  document.body.replaceChildren();
  location.replace('about:blank');
}

// Shift three times within a second and a half, with nothing else between.
let shifts = [];
addEventListener('keydown', (event) => {
  if (event.key !== 'Shift' || event.repeat) {
    if (event.key !== 'Shift') shifts = [];
    return;
  }
  const now = Date.now();
  shifts = [...shifts.filter((at) => now - at < 1500), now];
  if (shifts.length >= 3 && entered()) away();
});

// Somebody sits here: said at most twice a minute, so that the page locks when nobody does.
let touched = 0;
for (const kind of ['keydown', 'pointerdown', 'pointermove', 'scroll']) {
  addEventListener(kind, () => {
    const now = Date.now();
    if (!entered() || now - touched < state.touchEvery) return;
    touched = now;
    post('/touch').catch(() => {});
  }, { passive: true });
}
state.touchEvery = 30000;

let lost = null;
on.lost = () => {
  if (lost) return;
  lost = h('p.lost', { role: 'alert' }, t('lost'));
  document.getElementById('notices').append(lost);
};
on.found = () => {
  if (!lost) return;
  lost.remove();
  lost = null;
  said(t('found'));
};

/** Something happened in the journal. */
export function happened(event) {
  if (current && !current.handle) current.missed = true;
  current?.handle?.changed?.(event);
}

/** How many of a long list stand on today's view; it asks for one more, to know whether there are more. */
export const FEW = 6;

/** Status anew. */
export async function refreshStatus() {
  state.status = await ask({ request: 'status', part: { skip: 0, most: FEW } });
  return state.status;
}

/** A form whose sending is done once: `work` may throw what failed, which is shown beside the button. */
export function form({ submit, work, busy, quiet, key }, ...children) {
  const failed = h('p.failed', { role: 'alert' });
  const button = h(quiet ? 'button.quiet' : 'button.main', { type: 'submit', 'data-key': key }, submit);
  let going = false;
  const node = h('form', {
    novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      if (going) return;
      going = true;
      button.setAttribute('aria-disabled', 'true');
      failed.textContent = '';
      if (busy) {
        button.textContent = busy;
        said(busy);
      }
      try {
        await work();
      } catch (error) {
        if (error.code !== 'page_locked') failed.textContent = words(error);
      } finally {
        going = false;
        button.removeAttribute('aria-disabled');
        button.textContent = submit;
      }
    },
  }, ...children, failed, beside(button));
  node.button = button;
  return node;
}

/** A quiet form that is shown when it is wanted. */
export const offer = (key, submit, work, ...fields) => fold(t(key), form({ submit: t(submit), quiet: true, work }, fields));

/** A button that does one thing; what fails is said. */
export function action(label, work, { kind = 'quiet', key } = {}) {
  let going = false;
  return h(`button.${kind}`, {
    type: 'button',
    'data-key': key,
    onclick: async () => {
      if (going) return;
      going = true;
      try {
        await work();
      } catch (error) {
        if (error.code !== 'page_locked') note(words(error));
      } finally {
        going = false;
      }
    },
  }, label);
}
