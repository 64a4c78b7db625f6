import { createClient, timeUntil } from './client.js';

const styles = `
:host { display: block; font: var(--meterstone-font, 14px/1.4 system-ui, sans-serif); color: var(--meterstone-text, inherit); }
section { display: grid; gap: var(--meterstone-gap, 12px); padding: var(--meterstone-padding, 16px); border: 1px solid var(--meterstone-line, #8884); border-radius: var(--meterstone-radius, 8px); background: var(--meterstone-ground, transparent); }
p { margin: 0; font-size: 0.9em; opacity: 0.75; }
.heading { font-size: inherit; font-weight: 600; opacity: 1; }
.line { display: flex; justify-content: space-between; gap: 12px; font-variant-numeric: tabular-nums; }
.track { height: var(--meterstone-bar, 8px); margin-top: 4px; border-radius: 99px; overflow: hidden; background: var(--meterstone-track, #8883); }
.fill { height: 100%; border-radius: inherit; background: var(--meterstone-fill, #3b6fd4); }
.near .fill { background: var(--meterstone-near, #d0902b); }
.full .fill { background: var(--meterstone-full, #b3261e); }
`;

/** Words of the element; set `strings` to say it otherwise. */
export const strings = {
  heading: 'Usage Today',
  resets: (time) => `Resets in ${time}`,
  unlimited: '∞',
  of: (used, allowance) => `${used} of ${allowance}`,
  loading: 'Loading…',
  failed: 'The usage cannot be shown now.',
  empty: 'Nothing is limited.',
};

const words = (key) => key.replace(/[_-]/g, ' ').replace(/^./, (letter) => letter.toUpperCase());

/**
 * `<meterstone-usage limits="prompts_daily,exports_daily" heading="Usage Today">`: what was used and what
 * is allowed, with a bar for each limit that has a bound, brought up to date while it is shown.
 *
 * Attributes: `src` (where the server is), `token`, `subject`, `limits`, `labels` (JSON), `heading`,
 * `locale`. Properties: `client`, `strings`, and `data`, with which it asks nobody.
 */
export class MeterstoneUsage extends (globalThis.HTMLElement ?? class {}) {
  static observedAttributes = ['src', 'token', 'subject', 'limits', 'labels', 'heading', 'locale'];

  #root;
  #data = null;
  #error = null;
  #stop = null;
  #timer = null;
  #client = null;
  #strings = strings;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: 'open' });
    this.section = document.createElement('section');
    // A sheet of the document needs no permission of a policy, which a style within would.
    if (this.#root.adoptedStyleSheets && globalThis.CSSStyleSheet?.prototype.replaceSync) {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
      this.#root.adoptedStyleSheets = [sheet];
    } else {
      const style = document.createElement('style');
      style.textContent = styles;
      this.#root.append(style);
    }
    this.#root.append(this.section);
  }

  get data() { return this.#data; }
  set data(value) { this.#data = value; this.#error = null; this.#end(); this.#draw(); }
  get client() { return this.#client; }
  set client(value) { this.#client = value; this.#begin(); }
  get strings() { return this.#strings; }
  set strings(value) { this.#strings = { ...strings, ...value }; this.#draw(); }

  connectedCallback() { this.#timer = setInterval(() => this.#draw(), 30000); this.#draw(); this.#begin(); }
  disconnectedCallback() { clearInterval(this.#timer); this.#end(); }
  attributeChangedCallback(name) {
    if (!this.isConnected) return;
    if (name === 'src' || name === 'token' || name === 'subject') this.#begin(); else this.#draw();
  }

  #end() { this.#stop?.abort(); this.#stop = null; }

  #begin() {
    this.#end();
    if (!this.isConnected || (this.#data && !this.#client && !this.hasAttribute('src'))) return;
    const stop = this.#stop = new AbortController();
    const client = this.#client ?? createClient({
      base: this.getAttribute('src') ?? '', token: this.getAttribute('token') ?? undefined,
      subject: this.getAttribute('subject') ?? undefined,
    });
    const failed = (error) => { if (!stop.signal.aborted) { this.#error = error; this.#draw(); this.#tell('meterstone-error', error); } };
    client.live((limits) => {
      if (stop.signal.aborted) return;
      this.#data = limits;
      this.#error = null;
      this.#draw();
      this.#tell('meterstone-limits', limits);
    }, { signal: stop.signal, failed }).catch(() => {});
  }

  #tell(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true })); }

  #labels() {
    try { return JSON.parse(this.getAttribute('labels') ?? '{}'); } catch { return {}; }
  }

  #draw() {
    // No heading of its own: it cannot know which level is right where it stands.
    const heading = document.createElement('p');
    heading.className = 'heading';
    heading.textContent = this.getAttribute('heading') ?? this.#strings.heading;
    const parts = [heading];
    if (!this.#data) {
      parts.push(this.#line(this.#error ? this.#strings.failed : this.#strings.loading));
    } else {
      const wanted = this.getAttribute('limits')?.split(',').map((key) => key.trim());
      const limits = wanted
        ? wanted.map((key) => this.#data.limits.find((one) => one.limit === key)).filter(Boolean)
        : this.#data.limits;
      const labels = this.#labels();
      for (const limit of limits) parts.push(this.#meter(limit, labels[limit.limit] ?? words(limit.limit)));
      if (!limits.length) parts.push(this.#line(this.#strings.empty));
      // As the document's component: when the first of them that starts anew does so.
      const resets = limits.map((limit) => limit.resetsAt).filter(Boolean).sort()[0];
      if (resets) parts.push(this.#line(this.#strings.resets(timeUntil(resets))));
    }
    this.section.replaceChildren(...parts);
    this.section.setAttribute('aria-label', heading.textContent);
  }

  #line(text) {
    const line = document.createElement('p');
    line.textContent = text;
    return line;
  }

  #meter(limit, label) {
    const number = (value) => value.toLocaleString(this.getAttribute('locale') ?? undefined);
    const isBound = limit.allowance >= 0;
    const share = !isBound ? 0 : limit.allowance === 0 ? 1 : Math.min(1, Math.max(0, limit.used / limit.allowance));
    const item = document.createElement('div'), line = document.createElement('div');
    const name = document.createElement('span'), value = document.createElement('span');
    item.className = share >= 1 ? 'full' : share >= 0.8 ? 'near' : '';
    item.dataset.limit = limit.limit;
    line.className = 'line';
    name.textContent = label;
    value.textContent = `${number(limit.used)} / ${isBound ? number(limit.allowance) : this.#strings.unlimited}`;
    line.append(name, value);
    item.append(line);
    if (!isBound) return item;
    const track = document.createElement('div'), fill = document.createElement('div');
    track.className = 'track';
    track.setAttribute('role', 'meter');
    track.setAttribute('aria-label', label);
    track.setAttribute('aria-valuemin', '0');
    track.setAttribute('aria-valuemax', String(limit.allowance));
    track.setAttribute('aria-valuenow', String(Math.min(limit.used, limit.allowance)));
    track.setAttribute('aria-valuetext', this.#strings.of(number(limit.used), number(limit.allowance)));
    fill.className = 'fill';
    fill.style.width = `${share * 100}%`;
    track.append(fill);
    item.append(track);
    return item;
  }
}

if (globalThis.customElements && !customElements.get('meterstone-usage')) {
  customElements.define('meterstone-usage', MeterstoneUsage);
}
