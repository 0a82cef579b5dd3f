// Elements. What somebody wrote only ever becomes a text node: nothing here reads markup.

import { t } from './words.js';

/** An element: `h('p', {class: 'calm', onclick}, 'text', child, [more], null)`. */
export function h(tag, props, ...children) {
  const [name, ...classes] = tag.split('.');
  const node = document.createElement(name || 'div');
  if (classes.length) node.className = classes.join(' ');
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'value' || key === 'checked') node[key] = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  fill(node, children);
  return node;
}

function fill(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === '') continue;
    if (Array.isArray(child)) fill(node, child);
    else node.append(child);
  }
}

/** Puts new children in the place of the old ones; the focus stays where it was, by `data-key` or on the title, and what is open stays open. */
export function put(node, ...children) {
  const held = node.contains(document.activeElement) ? document.activeElement.closest('[data-key], h1') : null;
  const named = (details) => details.querySelector('summary')?.textContent;
  const open = [...node.querySelectorAll('details[open]')].map(named);
  node.replaceChildren();
  fill(node, children);
  if (open.length) for (const details of node.querySelectorAll('details')) details.open ||= open.includes(named(details));
  const same = held && node.querySelector(held.dataset.key ? `[data-key="${CSS.escape(held.dataset.key)}"]` : 'h1');
  if (same?.matches('h1')) same.tabIndex = -1;
  same?.focus({ preventScroll: true });
  return node;
}

/** An SVG element. */
export function svg(tag, props, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(props ?? {})) node.setAttribute(key, value);
  fill(node, children);
  return node;
}

/** Sentences of the page, each in its place. */
const sentence = (tag) => (key, values) => h(tag, null, t(key, values));
export const [h1, h2, h3, lead, help, calm, means] = ['h1', 'h2', 'h3', 'p.lead', 'p.help', 'p.calm', 'p.means'].map(sentence);

/** A part of a view, under its name. */
export const section = (key, ...inside) => h('section', null, h2(key), inside);

/** What stands side by side, where there is room for it. */
export const beside = (...inside) => h('div.row', null, inside);

/** What is read out when it changes. */
export const spoken = () => h('div', { 'aria-live': 'polite' });

/** What leads elsewhere, on a line of its own. */
export const linked = (key, work) => h('p', null, h('button.link', { type: 'button', onclick: work }, t(key)));

/** One of some values; `say` says what each means. */
export const chooser = (values, chosen, say) => h('select', null, values.map((value) => h('option', { value, selected: value === chosen }, say(value))));

/** What is shown when it is wanted. */
export const fold = (label, ...inside) => h('details', null, h('summary', null, label), inside);

let count = 0;
/** An id that nothing else on the page has. */
export const unique = (name) => `${name}-${++count}`;

/** Words of a person, in their own direction, with their own lines. */
export const prose = (text, tag = 'p') => h(`${tag}.prose`, { dir: 'auto' }, text);

/** A labelled field. `field` is the input; what helps is read with it. */
export function labelled(label, field, help) {
  field.id ||= unique('field');
  const hint = help ? h('p.help', { id: unique('help') }, help) : null;
  if (hint) field.setAttribute('aria-describedby', hint.id);
  return h('div.field', null, h('label', { for: field.id }, label), hint, field);
}

/** One line of somebody's words, of so many letters at most. */
export const written = (most, value = '') => h('input', { dir: 'auto', autocomplete: 'off', maxlength: most, value });

/** A passphrase that is known already. */
export const secret = () => h('input', { type: 'password', autocomplete: 'current-password' });

/** What has one right spelling, such as a code or an address. */
export const exact = () => h('input', { autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', lang: 'en' });

/** A day. */
export const dated = (value = '') => h('input', { type: 'date', value });

/** A box to tick with its words beside it. */
export function tick(label, field) {
  field.type = 'checkbox';
  return h('label.tick', null, field, h('span', null, label));
}

/** A text that grows with what is in it. */
export function area(props) {
  const field = h('textarea', { rows: 4, dir: 'auto', spellcheck: 'true', ...props });
  const grow = () => {
    field.style.height = 'auto';
    field.style.height = `${field.scrollHeight + 2}px`;
  };
  field.addEventListener('input', grow);
  field.grow = () => requestAnimationFrame(grow);
  field.grow();
  return field;
}
