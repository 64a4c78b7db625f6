import assert from 'node:assert/strict';
import test from 'node:test';
import { createUsageLimiter } from '../trpc.js';

/** As tRPC's own: what it is told, and an object as cause becomes an error with its members. */
class TRPCError extends Error {
  constructor({ code, message, cause }) {
    super(message);
    this.code = code;
    this.cause = cause instanceof Error ? cause : Object.assign(new Error(), cause);
  }
}

const json = (value, status = 200) => new Response(JSON.stringify(value), { status });
const refusal = {
  code: 'limit_exceeded',
  detail: "You've reached your exports_daily limit (3/3). Resets at 2026-03-11T00:00:00.000Z",
  cause: { limitType: 'exports_daily', current: 3, limit: 3, resetAt: '2026-03-11T00:00:00.000Z' },
};

test('a middleware for tRPC lets a procedure run, or refuses with the limit as cause', async () => {
  const asked = [];
  const answers = [json({ allowed: true }), json(refusal, 429)];
  const fetch = async (url, { method, headers, body }) => {
    asked.push([method, url, headers.Authorization, body]);
    return answers.shift();
  };
  const limiter = createUsageLimiter({ base: 'https://m.example/', key: 'mk', TRPCError, fetch });
  const gate = limiter.middleware('export_video', ({ ctx }) => ctx.session?.user.id);
  let runs = 0;
  const options = { ctx: { session: { user: { id: 'u1' } } }, next: async () => { runs += 1; return 'done'; } };
  assert.equal(await gate(options), 'done');
  await assert.rejects(gate(options), (error) => {
    assert.ok(error instanceof TRPCError);
    assert.equal(error.code, 'TOO_MANY_REQUESTS');
    assert.equal(error.message, refusal.detail);
    const { limitType, current, limit, resetAt } = error.cause;
    assert.deepEqual({ limitType, current, limit, resetAt }, refusal.cause);
    return true;
  });
  assert.equal(runs, 1);
  const body = '{"userId":"u1","action":"export_video","throwOnExceed":true}';
  assert.deepEqual(asked, Array(2).fill(['POST', 'https://m.example/api/usage/action', 'Bearer mk', body]));
});

test('nobody, a blocked user and a server that is away are refused, and nothing runs', async () => {
  const answers = [json({ detail: 'blocked' }, 403), json({ detail: '50 credits are needed' }, 402), json({ detail: 'no such key' }, 401), new Response('<html>', { status: 502 }), new Response('ok')];
  const limiter = createUsageLimiter({ base: '', TRPCError, fetch: async () => answers.shift() });
  const next = async () => assert.fail('it ran');
  await assert.rejects(limiter.middleware('x', () => undefined)({ next }), { code: 'UNAUTHORIZED' });
  const gate = limiter.middleware('x', () => 'u1');
  for (const code of ['FORBIDDEN', 'PAYMENT_REQUIRED', 'INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR']) {
    await assert.rejects(gate({ next }), { code });
  }
  const away = createUsageLimiter({ base: '', TRPCError, fetch: async () => { throw new TypeError('network'); } });
  await assert.rejects(away.middleware('x', () => 'u1')({ next }), (error) =>
    error.code === 'INTERNAL_SERVER_ERROR' && error.cause.message === 'network');
});

test('while the server is away, what limits declared decides', async () => {
  const answers = [json({ allowed: true, failMode: 'open' }), null, json({ code: 'store_halted' }, 503), json(refusal, 429), json({ allowed: true }), null];
  const fetch = async () => { const next = answers.shift(); if (!next) throw new TypeError('network'); return next; };
  const limiter = createUsageLimiter({ base: '', TRPCError, fetch });
  const check = (action) => limiter.checkActionAllowed({ userId: 'u1', action });
  assert.equal(await check('x'), true);
  assert.equal(await check('x'), true);
  assert.equal(await check('x'), true);
  await assert.rejects(check('x'), { code: 'TOO_MANY_REQUESTS' });
  assert.equal(await check('x'), true);
  await assert.rejects(check('x'), { code: 'INTERNAL_SERVER_ERROR' });
});

test('an action can be asked about without an error', async () => {
  const bodies = [];
  const fetch = async (_, { body }) => { bodies.push(JSON.parse(body).throwOnExceed); return json({ allowed: false }); };
  const limiter = createUsageLimiter({ base: '', TRPCError, fetch });
  assert.equal(await limiter.checkActionAllowed({ userId: 'u1', action: 'x', throwOnExceed: false }), false);
  assert.deepEqual(bodies, [false]);
});
