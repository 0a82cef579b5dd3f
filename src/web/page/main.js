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
import './files.js';

on.locked = () => {
  state.status = null;
  // It locked itself, to be mended.
  if (state.mending) return;
  // Nothing of the journal stays on the page; where somebody was is remembered until it is open again.
  state.was = history.state;
  go('lock', {}, { replace: true });
};

async function begin() {
  const token = location.hash.slice(1);
  // It works once, and should not stand in the address.
  history.replaceState(null, '', '/');
  // A token that was used before, or is an old one, leaves the passphrase as the other way in.
  const entering = (token ? post('/enter', { token }) : Promise.reject(token)).catch(() => post('/state'));
  await speak(wished());
  const stand = await entering;
  if (entered()) {
    // What the first view asks for is under way before anything is drawn.
    const going = inside(stand);
    frame();
    return going;
  }
  return go(stand.state === 'absent' ? 'stale' : 'lock', {}, { replace: true });
}

begin();
