// The page begins here: the token in the address becomes a session, and the first view is shown.

import { entered, on, post } from './api.js';
import { frame, go, state } from './shell.js';
import { speak, wished } from './words.js';
import { inside } from './start.js';
import './today.js';
import './agreement.js';
import './journal.js';
import './kinds.js';
import './together.js';
import './settings.js';


on.locked = () => {
  state.status = null;
  // Nothing of the journal stays on the page; where somebody was is remembered until it is open again.
  state.was = history.state;
  go('lock', {}, { replace: true });
};

async function begin() {
  const token = location.hash.slice(1);
  // It works once, and should not stand in the address.
  history.replaceState(null, '', '/');
  await speak(wished());
  frame();
  let stand;
  try {
    if (token) stand = await post('/enter', { token });
  } catch {
    // Used before, or an old one: the passphrase is the other way in.
  }
  stand ??= await post('/state');
  if (entered()) return inside(stand);
  return go(stand.state === 'absent' ? 'stale' : 'lock', {}, { replace: true });
}

begin();
