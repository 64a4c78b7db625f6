import assert from 'node:assert/strict';
import test from 'node:test';
import { createClient, MeterstoneError, timeUntil } from '../client.js';

const json = (value, status = 200) => new Response(JSON.stringify(value), { status });

test('a client asks about the own subject with a token, and about another with a key', async () => {
  const asked = [];
  const fetch = async (url, { headers }) => { asked.push([url, headers.Authorization]); return json({}); };
  await createClient({ base: 'https://m.example/', token: () => 'abc', fetch }).limits();
  await createClient({ subject: 'ann/1', token: 'mk', fetch }).usage('prompts', { window: 'month' });
  await createClient({ fetch }).credits();
  assert.deepEqual(asked, [
    ['https://m.example/v1/me/limits', 'Bearer abc'],
    ['/v1/subjects/ann%2F1/usage?meter=prompts&window=month', 'Bearer mk'],
    ['/v1/me/credits', undefined],
  ]);
});

test('a refusal is an error with the words and the code of the server', async () => {
  const fetch = async () => json({ code: 'expired', detail: 'the token has expired' }, 401);
  await assert.rejects(createClient({ fetch }).limits(), (error) =>
    error instanceof MeterstoneError && error.status === 401 && error.code === 'expired' && error.message === 'the token has expired');
});

const stream = (...pieces) => new Response(new ReadableStream({
  start(controller) {
    for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
    controller.close();
  },
}));

test('a stream is read wherever it is cut, and goes on after the last id', async () => {
  const stop = new AbortController();
  const [told, asked] = [[], []];
  const fetch = async (url, { headers }) => {
    asked.push(headers['Last-Event-ID']);
    if (asked.length === 1) return stream('retry: 2000\n\nevent: lim', 'its\nid: 7-a\nda', 'ta: {"limits":[1]}\n\n: as before\n\n');
    if (asked.length === 2) throw new TypeError('network');
    return stream('event: limits\nid: 9-b\ndata: {"limits":[2]}\n\n');
  };
  const failures = [];
  await createClient({ fetch, retryMilliseconds: 1 }).live((limits) => {
    told.push(limits.limits[0]);
    if (told.length === 2) stop.abort();
  }, { signal: stop.signal, failed: (error) => failures.push(error.message) });
  assert.deepEqual(told, [1, 2]);
  assert.deepEqual(asked, [undefined, '7-a', '7-a']);
  assert.deepEqual(failures, ['network']);
});

test('a stream that is refused is not asked for again', async () => {
  let count = 0;
  const fetch = async () => { count += 1; return json({ code: 'unauthorized' }, 401); };
  await assert.rejects(createClient({ fetch, retryMilliseconds: 1 }).live(() => {}), { code: 'unauthorized' });
  assert.equal(count, 1);
});

test('a wait is rounded up to the minute', () => {
  const now = Date.parse('2026-03-10T12:00:00Z');
  assert.equal(timeUntil('2026-03-10T14:05:00Z', now), '2h 5m');
  assert.equal(timeUntil('2026-03-10T12:00:01Z', now), '1m');
  assert.equal(timeUntil('2026-03-10T11:00:00Z', now), '0m');
  assert.equal(timeUntil('2026-03-12T13:30:00Z', now), '2d 1h');
});
