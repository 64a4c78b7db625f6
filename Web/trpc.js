import { MeterstoneError } from './client.js';

/** What tRPC calls a refusal; everything else is a mistake of whoever runs the servers. */
const codes = { 429: 'TOO_MANY_REQUESTS', 403: 'FORBIDDEN', 402: 'PAYMENT_REQUIRED' };

/**
 * Gates the procedures of a tRPC server: asks Meterstone whether a user may do something, and refuses in its
 * words. tRPC's own class of errors is handed in, so that this module depends on no version of it.
 */
export function createUsageLimiter({ base, key, TRPCError, fetch: ask = globalThis.fetch }) {
  /** Actions whose limits declared `failMode: open` when they were last asked about. */
  const open = new Set();
  const url = `${base.replace(/\/+$/, '')}/api/usage/action`;

  async function checkActionAllowed({ userId, action, throwOnExceed = true }) {
    let answer;
    try {
      answer = await ask(url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...(key ? { Authorization: `Bearer ${key}` } : {}) },
        body: JSON.stringify({ userId, action, throwOnExceed }),
      });
    } catch (cause) {
      if (open.has(action)) return true;
      throw new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: `${url} cannot be asked`, cause });
    }
    let value = null;
    try { value = await answer.json(); } catch { /* No JSON: the status says it. */ }
    if (answer.ok && typeof value?.allowed === 'boolean') {
      if (value.failMode === 'open') open.add(action); else open.delete(action);
      return value.allowed;
    }
    if (answer.status >= 502 && answer.status <= 504 && open.has(action)) return true;
    const error = new MeterstoneError(answer.status, value);
    throw new TRPCError({
      code: codes[answer.status] ?? 'INTERNAL_SERVER_ERROR', message: error.message, cause: value?.cause ?? error,
    });
  }

  return {
    checkActionAllowed,

    /** For `t.middleware`: lets the procedure run when the user whom `user` finds may do `action`. */
    middleware: (action, user) => async (options) => {
      const userId = await user(options);
      if (!userId) throw new TRPCError({ code: 'UNAUTHORIZED', message: `${action}: expected a user` });
      await checkActionAllowed({ userId, action });
      return options.next();
    },
  };
}
