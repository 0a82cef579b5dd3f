// The one way to the program on this device. The session's key is in this variable and nowhere else.

let session = null;
/** Told when the page is locked, when nothing answers, and when something does again. */
export const on = { locked: () => {}, lost: () => {}, found: () => {} };

/** What failed, then what to do, as every command says it. */
export class Failure extends Error {
  constructor(error) {
    super(error.message);
    this.code = error.code;
    this.hint = error.hint;
  }
}

/** Nothing answers. */
export class Lost extends Error {}

/** After so long without an answer it is said that the connection is lost; what was asked goes on waiting. */
const SILENCE = 4000;

/** `long`: it may take its time before it answers, so silence says nothing. */
async function send(path, body, headers = {}, long = false) {
  const mine = session;
  const silent = long ? 0 : setTimeout(() => on.lost(), SILENCE);
  let response;
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(session ? { 'amends-session': session } : {}), ...headers },
      body: body instanceof Blob ? body : JSON.stringify(body ?? null),
      cache: 'no-store',
      credentials: 'omit',
    });
  } catch {
    on.lost();
    throw new Lost();
  } finally {
    clearTimeout(silent);
  }
  on.found();
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({ error: { code: 'internal', message: String(response.status), hint: '' } }));
  if (response.status === 401) locked(mine);
  throw new Failure(error);
}

/** Asks the page's own side of the program. */
export async function post(path, body, long) {
  const response = await send(path, body, {}, long);
  if (response.status === 204) return null;
  const found = await response.json();
  if (found?.session) session = found.session;
  return found;
}

/** Brings a file along, and gives what is said of it. */
export const bring = async (path, file, headers) =>
  (await send(path, file, { 'content-type': 'application/octet-stream', ...headers }, true)).json();

/** A file that is made for this page. */
export const bytes = async (path, body) => (await send(path, body, {}, true)).blob();

/** This page has no session any more, and nobody needs to be told. */
export const forget = () => (session = null);

/** Whether this page has a session. */
export const entered = () => session !== null;

/** That session is over; another one may have begun meanwhile. */
function locked(mine) {
  if (mine === null || mine !== session) return;
  session = null;
  on.locked();
}

/** Forgets the session at once and locks the journal, without waiting. */
export function leave() {
  const key = session;
  session = null;
  if (key === null) return;
  fetch('/lock', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'amends-session': key },
    body: 'null',
    keepalive: true,
    credentials: 'omit',
  }).catch(() => {});
}

/** Every line that comes, parsed; empty ones are only signs of life. */
async function* lines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let watch;
  try {
    for (;;) {
      watch = setTimeout(() => on.lost(), 25000);
      const { value, done } = await reader.read().catch(() => ({ done: true }));
      clearTimeout(watch);
      if (done) return;
      on.found();
      const parts = (rest + value).split('\n');
      rest = parts.pop();
      for (const part of parts) if (part !== '') yield JSON.parse(part);
    }
  } finally {
    clearTimeout(watch);
    reader.cancel().catch(() => {});
  }
}

/** Asks the journal one thing. Gives the value of its response, as `--json` has it. */
export async function ask(request, onEvent, headers) {
  const mine = session;
  const response = await send('/ask', request, headers);
  for await (const line of lines(response)) {
    if (line.event) onEvent?.(line.event);
    else if (line.locked || (line.end && session !== mine)) {
      // What was asked before the page was locked is nothing for what is shown since.
      locked(mine);
      throw new Failure({ code: 'page_locked', message: '', hint: '' });
    } else if (line.end) {
      const { response: kind, value } = line.end;
      if (kind === 'failed') throw new Failure(value);
      return value;
    } else break;
  }
  throw new Lost();
}

/** Asks for one sort of thing, by its verbs. */
export const asking = (kind) => (request) => ask({ request: kind, ...request });

/** A conversation that asks back: `answer` answers. */
export function converse(request, onEvent) {
  const name = crypto.randomUUID();
  const ended = ask(request, onEvent, { 'amends-conversation': name });
  return { ended, answer: (answer) => post('/answer', { conversation: name, ...answer }) };
}

/** All that happens, until the page is locked; begins anew where it broke off. */
export async function watch(onEvent, onAgain) {
  const mine = session;
  for (let first = true; session === mine && mine !== null; first = false) {
    if (!first) {
      await new Promise((go) => setTimeout(go, 500));
      if (session !== mine) return;
    }
    try {
      if (!first) onAgain();
      await ask({ request: 'watch' }, onEvent);
      // It ended by itself: the journal was closed.
      await post('/state');
    } catch (error) {
      if (error.code === 'page_locked') return;
    }
  }
}
