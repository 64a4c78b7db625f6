import assert from 'node:assert/strict';
import test from 'node:test';
import jsdom from 'jsdom';

const { window } = new jsdom.JSDOM('<!DOCTYPE html><body></body>', { url: 'https://app.example/' });
Object.defineProperty(globalThis, 'window', { value: window, configurable: true });
Object.defineProperty(globalThis, 'document', { value: window.document, configurable: true });
Object.defineProperty(globalThis, 'navigator', { value: window.navigator, configurable: true });
globalThis.IS_REACT_ACT_ENVIRONMENT = true;

const React = (await import('react')).default;
const { createRoot } = (await import('react-dom/client')).default;
const { act } = (await import('react-dom/test-utils')).default;
const { useCredits, useUsage, useUsageLimits } = await import('../react.js');

async function use(hook) {
  const seen = { all: [] };
  const Probe = () => { seen.now = hook(); seen.all.push(seen.now); return null; };
  const root = createRoot(document.createElement('div'));
  await act(async () => { root.render(React.createElement(Probe)); });
  seen.end = () => act(async () => { root.unmount(); });
  return seen;
}

const limits = {
  subject: 'ann', overLimit: [], blockedBy: [],
  limits: [
    { limit: 'prompts_daily', meter: 'prompts', used: 4, allowance: 10, remaining: 6, resetsAt: '2026-03-11T00:00:00.000Z', mode: 'enforce' },
    { limit: 'exports_daily', meter: 'exports', used: 2, allowance: 3, remaining: 1, resetsAt: '2026-03-11T00:00:00.000Z', mode: 'enforce' },
    { limit: 'exports_monthly', meter: 'exports', used: 10, allowance: 10, remaining: 0, resetsAt: '2026-04-01T00:00:00.000Z', mode: 'enforce' },
    { limit: 'projects_total', meter: 'projects', used: 9, allowance: -1, remaining: -1, resetsAt: null, mode: 'enforce' },
  ],
};

const client = (more = {}) => {
  const made = {
    live: (told, options) => { made.told = told; made.signal = options.signal; return new Promise(() => {}); },
    tracked: async (what, values) => (what === 'limits' ? { tier: 'free' }
      : { ...values, daily: { '2026-03-10': { prompt: 4 } }, totals: { prompt: 4 }, recentEvents: [] }),
    credits: async () => ({ balance: 40, grants: [{ id: 'g' }] }),
    usage: async (meter, { window }) => ({ meter, window, timeZone: 'UTC', points: [{ quantity: 3 }] }),
    ...more,
  };
  return made;
};

test('useUsageLimits has the shape of the document', async () => {
  const own = client();
  const seen = await use(() => useUsageLimits({ client: own }));
  assert.equal(seen.all[0].isLoading, true);
  assert.deepEqual([seen.all[0].canExport, seen.all[0].canGenerate], [true, true]);
  await act(async () => own.told(limits));
  const now = seen.now;
  assert.equal(now.isLoading, false);
  assert.deepEqual(now.limits.prompts, { allowed: true, current: 4, limit: 10, resetAt: new Date('2026-03-11T00:00:00.000Z') });
  // The month is full, though the day is not.
  assert.deepEqual(now.limits.exports, { allowed: false, current: 10, limit: 10, resetAt: new Date('2026-04-01T00:00:00.000Z') });
  assert.deepEqual(now.limits.projects, { allowed: true, current: 9, limit: -1 });
  assert.equal(now.limits.tier, 'free');
  assert.deepEqual([now.isFreeTier, now.canExport, now.canGenerate], [true, false, true]);
  assert.deepEqual([now.stats.userId, now.stats.days], ['ann', 30]);
  assert.deepEqual(now.stats.totals, { prompt: 4 });
  await seen.end();
  assert.equal(own.signal.aborted, true);
});

test('what cannot be read is an error, and nothing is forbidden by it', async () => {
  const own = client({ live: async () => { throw new Error('away'); } });
  const seen = await use(() => useUsageLimits({ client: own }));
  assert.equal(seen.now.error.message, 'away');
  assert.deepEqual([seen.now.isLoading, seen.now.canExport], [false, true]);
  await seen.end();
});

test('useUsage and useCredits', async () => {
  const own = client();
  const usage = await use(() => useUsage('prompts', { client: own, window: 'month' }));
  assert.deepEqual([usage.now.points, usage.now.timeZone, usage.now.isLoading], [[{ quantity: 3 }], 'UTC', false]);
  const credits = await use(() => useCredits({ client: own }));
  assert.deepEqual([credits.now.balance, credits.now.grants], [40, [{ id: 'g' }]]);
  await usage.end();
  await credits.end();
});
