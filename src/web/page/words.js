// Every sentence of the page stands in words/, one file for one language, which is loaded when it is wanted. `{name}` is
// replaced; a sentence that counts is `{one, other}` by the language's own rule; one key may name several failures.

/** Those that there are, by their own names. */
const NAMES = { en: 'English', de: 'Deutsch' };
const LANGUAGES = {};
let language = 'en';
let rules = new Intl.PluralRules('en');

export const languages = Object.entries(NAMES);
export const lang = () => language;

/** Speaks this language from now on; one that is not there is English. */
export async function speak(tag) {
  const wanted = tag in NAMES ? tag : 'en';
  LANGUAGES[wanted] ??= apart((await import(`./words/${wanted}.js`)).default);
  language = wanted;
  rules = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  document.documentElement.dir = LANGUAGES[language].direction ?? 'ltr';
}

const apart = (all) => Object.fromEntries(Object.entries(all).flatMap(([keys, words]) => keys.split(' ').map((key) => [key, words])));

/** The first of the browser's languages that is there. */
export const wished = () => navigator.languages.map((tag) => tag.split('-')[0]).find((tag) => tag in NAMES) ?? 'en';

/** A sentence. */
export function t(key, values = {}) {
  let words = LANGUAGES[language][key] ?? key;
  if (typeof words === 'object') words = words[rules.select(values.n)] ?? words.other;
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

/** Whether there is such a sentence. */
export const has = (key) => key in LANGUAGES[language];

/** How dates are written where this person lives, where that is in the language of the page. */
export const region = () => navigator.languages.find((tag) => tag.split('-')[0] === language) ?? language;

/** `2026-11-23` or a time, as people here write a day. */
export function day(text, style = 'long') {
  if (!text) return '';
  const only = /^\d{4}-\d\d-\d\d$/.test(text);
  const date = new Date(only ? `${text}T12:00:00` : text);
  if (Number.isNaN(date.getTime())) return text;
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' };
  return new Intl.DateTimeFormat(region(), style === 'long' ? { day: 'numeric', month: 'long', ...year } : { dateStyle: 'medium' }).format(date);
}

/** The days of the week as the journal writes them, and one of them as people do. */
export const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
export const weekday = (at) => new Intl.DateTimeFormat(language, { weekday: 'long' }).format(new Date(2024, 0, 1 + at));

/** A day as the journal writes it. */
export const iso = (date) => `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;

/** A time with its day. */
export function moment(text) {
  if (!text) return '';
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return day(text);
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  return new Intl.DateTimeFormat(region(), { weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' }).format(date);
}

/** Names in a row: `Ana and Bo`. */
export const names = (list) => new Intl.ListFormat(language, { type: 'conjunction' }).format(list);
