import assert from 'node:assert/strict';
import test from 'node:test';
import jsdom from 'jsdom';

const { window } = new jsdom.JSDOM('<!DOCTYPE html><body></body>', { url: 'https://app.example/' });
for (const name of ['window', 'document', 'HTMLElement', 'customElements', 'CustomEvent']) {
  Object.defineProperty(globalThis, name, { value: name === 'window' ? window : window[name], configurable: true });
}
await import('../usage.js');

const limit = (key, used, allowance, more) => ({
  limit: key, meter: key, window: 'day', used, allowance, remaining: allowance < 0 ? -1 : allowance - used, resetsAt: null, mode: 'enforce', ...more,
});
const inTwoHours = () => new Date(Date.now() + 7_470_000).toISOString();

function element(limits, attributes = {}) {
  const made = document.createElement('meterstone-usage');
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.data = { subject: 'ann', limits };
  document.body.append(made);
  return made;
}
const text = (made) => made.section.textContent.replace(/\s+/g, ' ');

test('it has the look of the document: title, label, used of allowed, bar, time to the reset', () => {
  const made = element([limit('prompts_daily', 4, 10, { resetsAt: inTwoHours() })], { labels: '{"prompts_daily":"AI Generations"}' });
  assert.equal(text(made), 'Usage TodayAI Generations4 / 10Resets in 2h 5m');
  const meter = made.section.querySelector('[role=meter]');
  assert.equal(meter.getAttribute('aria-label'), 'AI Generations');
  assert.equal(meter.getAttribute('aria-valuenow'), '4');
  assert.equal(meter.getAttribute('aria-valuemax'), '10');
  assert.equal(meter.firstChild.style.width, '40%');
  made.remove();
});

test('no bound is ∞ without a bar; nothing allowed is full', () => {
  const made = element([limit('a', 7, -1), limit('b', 0, 0), limit('c', 12, 10)]);
  assert.match(text(made), /A7 \/ ∞B0 \/ 0C12 \/ 10/);
  assert.equal(made.section.querySelectorAll('[role=meter]').length, 2);
  assert.deepEqual([...made.section.querySelectorAll('.full')].map((one) => one.dataset.limit), ['b', 'c']);
  assert.equal(made.section.querySelector('[data-limit=c] [role=meter]').getAttribute('aria-valuenow'), '10');
  made.remove();
});

test('it shows what it is asked for, in that order, in other words', () => {
  const made = element([limit('a', 1, 2), limit('b', 1234, 5000)], { limits: 'b, a, none', heading: 'Nutzung', locale: 'de-DE' });
  made.strings = { unlimited: 'frei' };
  assert.equal(text(made), 'NutzungB1.234 / 5.000A1 / 2');
  made.remove();
});

test('a label of somebody else is text', () => {
  const made = element([limit('<img src=x>', 1, 2)]);
  assert.equal(made.section.querySelector('img'), null);
  made.remove();
});

test('it reads the stream while it is shown, and says when it cannot', async () => {
  let told, failed, signal;
  const made = document.createElement('meterstone-usage');
  made.client = { live: (tell, options) => { told = tell; failed = options.failed; signal = options.signal; return Promise.resolve(); } };
  document.body.append(made);
  assert.match(text(made), /Loading/);
  failed(new Error('away'));
  assert.match(text(made), /cannot be shown now/);
  const events = [];
  made.addEventListener('meterstone-limits', (event) => events.push(event.detail.limits.length));
  told({ subject: 'ann', limits: [limit('a', 1, 2)] });
  told({ subject: 'ann', limits: [limit('a', 2, 2)] });
  assert.match(text(made), /A2 \/ 2/);
  assert.deepEqual(events, [1, 1]);
  made.remove();
  assert.equal(signal.aborted, true);
});
