// Elements. What somebody wrote only ever becomes a text node: nothing here reads markup.

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
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === '') continue;
    if (Array.isArray(child)) add(node, child);
    else node.append(child);
  }
}

/** Puts new children in the place of the old ones; the focus stays where it was, by `data-key`, and what is open stays open. */
export function put(node, ...children) {
  const held = node.contains(document.activeElement) ? document.activeElement.closest('[data-key]') : null;
  const key = held?.dataset.key;
  const named = (details) => details.querySelector('summary')?.textContent;
  const open = [...node.querySelectorAll('details[open]')].map(named);
  node.replaceChildren();
  add(node, children);
  if (open.length) for (const details of node.querySelectorAll('details')) details.open ||= open.includes(named(details));
  if (key) node.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
  return node;
}

/** An SVG element. */
export function svg(tag, props, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(props ?? {})) node.setAttribute(key, value);
  add(node, children);
  return node;
}

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
