// A text that two people write at once. One thing at a time goes to the journal, so that what comes back is always about
// what was sent: what was typed meanwhile is carried over onto it.

import { Failure, Lost } from './api.js';
import { made_of, merge, retype } from './merge.js';

const PAUSE = 300;
const LONGEST = 1000;
const AGAIN = 800;

/** Texts that were typed and could not be sent before the page was locked, by entry and field. */
const unsent = new Map();

export class Live {
  /** `name` is unique to the field. `send(base, text)` and `look()` give the text as it stands. `said` is told 'saved', 'typing', 'waits', or a failure. */
  constructor(field, { name, text, send, look, said }) {
    Object.assign(this, { field, name, send, look, said, base: text, busy: false, pinged: false, composing: false, over: false });
    field.value = text;
    const kept = unsent.get(name);
    unsent.delete(name);
    const back = kept && made_of(kept.base, kept.text, text) === kept.base;
    if (back) {
      this.base = kept.base;
      field.value = kept.text;
      this.pinged = true;
    }
    field.addEventListener('input', () => this.typed());
    field.addEventListener('blur', () => this.pump());
    field.addEventListener('compositionstart', () => (this.composing = true));
    field.addEventListener('compositionend', () => {
      this.composing = false;
      this.typed();
    });
    if (back) this.pump();
  }

  /** Somebody wrote in it, here or there. */
  changed() {
    this.pinged = true;
    this.pump();
  }

  get waits() {
    return this.field.value !== this.base;
  }

  typed() {
    this.said('typing');
    this.first ??= Date.now();
    clearTimeout(this.timer);
    const wait = Math.min(PAUSE, Math.max(0, this.first + LONGEST - Date.now()));
    this.timer = setTimeout(() => this.pump(), wait);
  }

  /** All that was typed is in the journal. */
  async settled() {
    clearTimeout(this.timer);
    while (!this.over && (this.waits || this.busy)) {
      this.pump();
      if (this.failed) throw this.failed;
      await new Promise((go) => setTimeout(go, 40));
    }
  }

  async pump() {
    if (this.busy || this.over || this.composing) return;
    const writes = this.waits;
    if (!writes && !this.pinged) return;
    this.busy = true;
    this.pinged = false;
    this.first = undefined;
    const sent = writes ? this.field.value : this.base;
    try {
      const now = writes ? await this.send(this.base, sent) : await this.look();
      await this.calm();
      this.failed = null;
      this.take(sent, now);
      this.busy = false;
      if (this.waits) this.typed();
      else {
        this.said('saved');
        if (this.pinged) this.pump();
      }
    } catch (error) {
      this.busy = false;
      if (error instanceof Lost) {
        this.said('waits');
        setTimeout(() => this.again(sent), AGAIN);
      } else if (error instanceof Failure && error.code !== 'page_locked') {
        // What the journal does not take, as an empty text, stays here until it is something else.
        this.failed = error;
        this.said(error);
      }
    }
  }

  /** Nothing said whether what was sent was taken: what stands there now does. */
  async again(sent) {
    if (this.over || this.busy) return;
    this.busy = true;
    try {
      const now = await this.look();
      await this.calm();
      this.take(made_of(this.base, sent, now), now);
      this.busy = false;
      this.pump();
      if (!this.waits) this.said('saved');
    } catch (error) {
      this.busy = false;
      if (error instanceof Lost) setTimeout(() => this.again(sent), AGAIN);
    }
  }

  /** Letters that are still being put together are not disturbed. */
  async calm() {
    while (this.composing) await new Promise((go) => setTimeout(go, 60));
  }

  /** `now` stands there, made from `before`, which the field showed then. */
  take(before, now) {
    const text = merge(before, this.field.value, now);
    this.base = now;
    if (text !== this.field.value) {
      retype(this.field, text);
      this.field.grow?.();
    }
  }

  /** The page goes elsewhere. What was typed last is sent, or kept until the page is open again. */
  end() {
    this.over = true;
    clearTimeout(this.timer);
    if (!this.waits) return;
    const { name, base } = this;
    const text = this.field.value;
    unsent.set(name, { base, text });
    this.send(base, text).then(
      () => unsent.delete(name),
      () => {},
    );
  }
}
