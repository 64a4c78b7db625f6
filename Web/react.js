import { useEffect, useMemo, useState } from 'react';
import { createClient } from './client.js';

const useClient = (client, options) => useMemo(() => client ?? createClient(options),
  // A token that is a function is asked each time; another function is the same token.
  [client, options?.base, options?.subject, typeof options?.token === 'function' ? 'function' : options?.token]);

/** The limits as the server tells them, live. */
function useLimits(client) {
  const [state, setState] = useState({ limits: null, error: null });
  useEffect(() => {
    const stop = new AbortController();
    const set = (change) => { if (!stop.signal.aborted) setState((state) => ({ ...state, ...change })); };
    client.live((limits) => set({ limits, error: null }), { signal: stop.signal, failed: (error) => set({ error }) })
      .catch((error) => set({ error }));
    return () => stop.abort();
  }, [client]);
  return state;
}

/** What a question gives, asked anew when what it depends on changes. */
function useAnswer(ask, dependencies) {
  const [state, setState] = useState({ data: null, error: null, isLoading: true });
  useEffect(() => {
    const stop = new AbortController();
    ask({ signal: stop.signal }).then(
      (data) => { if (!stop.signal.aborted) setState({ data, error: null, isLoading: false }); },
      (error) => { if (!stop.signal.aborted) setState({ data: null, error, isLoading: false }); });
    return () => stop.abort();
  }, dependencies);
  return state;
}

/** Of several limits of a meter the one with the least left speaks: it is the one that refuses. */
const tighter = (one, other) => {
  const left = (limit) => (limit.allowance < 0 ? Infinity : limit.remaining);
  return left(other) < left(one) ? other : one;
};

const shape = (limit) => ({
  allowed: limit.allowance < 0 || limit.remaining > 0 || limit.mode !== 'enforce',
  current: limit.used,
  limit: limit.allowance,
  ...(limit.resetsAt ? { resetAt: new Date(limit.resetsAt) } : {}),
});

/**
 * `limits.prompts`, `limits.exports` and every other meter as `{allowed, current, limit, resetAt}`, and
 * `limits.tier`; `stats` of the last 30 days; `isLoading`, `isFreeTier`, `canExport`, `canGenerate`.
 */
export function useUsageLimits(options = {}) {
  const client = useClient(options.client, options);
  const { limits: told, error } = useLimits(client);
  const userId = told?.subject;
  const track = (what, values) => (asking) => (userId === undefined ? new Promise(() => {}) : client.tracked(what, { userId, ...values }, asking));
  const plan = useAnswer(track('limits'), [client, userId]);
  const stats = useAnswer(track('stats', { days: 30 }), [client, userId]);
  const limits = useMemo(() => {
    const byMeter = {};
    for (const limit of told?.limits ?? []) {
      byMeter[limit.meter] = byMeter[limit.meter] ? tighter(byMeter[limit.meter], limit) : limit;
    }
    const shaped = Object.fromEntries(Object.entries(byMeter).map(([meter, limit]) => [meter, shape(limit)]));
    return plan.data?.tier ? { ...shaped, tier: plan.data.tier } : shaped;
  }, [told, plan.data]);
  return {
    limits,
    stats: stats.data ?? {},
    isLoading: told === null && error === null,
    isFreeTier: limits.tier === 'free',
    canExport: limits.exports?.allowed ?? true,
    canGenerate: limits.prompts?.allowed ?? true,
    error,
  };
}

/** Usage of a meter, window by window: `points` of `{from, until, quantity}`. */
export function useUsage(meter, { window = 'day', from, until, ...options } = {}) {
  const client = useClient(options.client, options);
  const { data, error, isLoading } = useAnswer((asking) => client.usage(meter, { window, from, until, ...asking }), [client, meter, window, from, until]);
  return { points: data?.points ?? [], timeZone: data?.timeZone, isLoading, error };
}

/** What somebody may spend: `balance`, `grants` and the totals. */
export function useCredits(options = {}) {
  const client = useClient(options.client, options);
  const { data, error, isLoading } = useAnswer((asking) => client.credits(asking), [client]);
  return { balance: data?.balance ?? 0, grants: data?.grants ?? [], credits: data, isLoading, error };
}
