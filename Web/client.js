/** An answer of the server that is no success: its words, and the problem as it was sent (RFC 9457). */
export class MeterstoneError extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `The server answered ${status}.`);
    this.name = 'MeterstoneError';
    this.status = status;
    this.code = problem?.code ?? 'unknown';
    this.problem = problem;
  }
}

const pause = (milliseconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  signal?.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

/**
 * Asks a server about one subject: with a token or a cookie about its own, with a key about any.
 */
export function createClient({ base = '', token, subject, fetch: ask = globalThis.fetch, retryMilliseconds = 2000 } = {}) {
  const root = base.replace(/\/+$/, '');
  const own = subject === undefined ? '/v1/me' : `/v1/subjects/${encodeURIComponent(subject)}`;

  async function headers(more) {
    const value = typeof token === 'function' ? await token() : token;
    return { ...(value ? { Authorization: `Bearer ${value}` } : {}), ...more };
  }

  async function request(path, { signal } = {}) {
    const answer = await ask(root + path, { headers: await headers({ Accept: 'application/json' }), credentials: 'same-origin', signal });
    let value = null;
    try { value = await answer.json(); } catch { /* No JSON: the status says it. */ }
    if (!answer.ok) throw new MeterstoneError(answer.status, value);
    return value;
  }

  const query = (values) => {
    const pairs = Object.entries(values ?? {}).filter(([, value]) => value !== undefined);
    return pairs.length ? `?${new URLSearchParams(pairs)}` : '';
  };

  /** Reads the stream once, until it ends. Says which event was the last. */
  async function read(told, last, signal) {
    const more = { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) };
    const answer = await ask(`${root}${own}/live`, { headers: await headers(more), credentials: 'same-origin', signal });
    if (!answer.ok) {
      let problem = null;
      try { problem = await answer.json(); } catch { /* As above. */ }
      throw new MeterstoneError(answer.status, problem);
    }
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return last;
      rest += decoder.decode(value, { stream: true });
      let end;
      while ((end = rest.indexOf('\n\n')) >= 0) {
        const event = { data: [] };
        for (const line of rest.slice(0, end).split('\n')) {
          if (line.startsWith(':')) continue;
          const colon = line.indexOf(':');
          const [name, text] = [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
          if (name === 'data') event.data.push(text); else event[name] = text;
        }
        rest = rest.slice(end + 2);
        if (event.id) last = event.id;
        if (event.event === 'limits' && event.data.length) told(JSON.parse(event.data.join('\n')));
      }
    }
  }

  return {
    subject: (options) => request(own, options),
    limits: (options) => request(`${own}/limits`, options),
    lifetime: (options) => request(`${own}/lifetime`, options),
    pace: (options) => request(`${own}/pace`, options),
    credits: (options) => request(`${own}/credits`, options),
    statistics: ({ days = 30, ...options } = {}) => request(`${own}/statistics?days=${days}`, options),
    events: ({ count, cursor, ...options } = {}) => request(`${own}/events${query({ count, cursor })}`, options),
    /** What the routes of an application's own usage tracker say: `limits` or `stats` of a user. */
    tracked: (what, values, options) => request(`/api/usage/${what}${query(values)}`, options),
    usage: (meter, { window = 'day', from, until, ...options } = {}) =>
      request(`${own}/usage${query({ meter, window, from, until })}`, options),

    /**
     * Calls with the limits as they stand, now and each time that they change, until the signal says
     * to stop. Comes back by itself after an interruption; ends where the server refuses.
     */
    async live(told, { signal, failed } = {}) {
      let last;
      while (!signal?.aborted) {
        try {
          last = await read(told, last, signal);
        } catch (error) {
          if (signal?.aborted) return;
          failed?.(error);
          if (error instanceof MeterstoneError && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
        }
        if (!signal?.aborted) await pause(retryMilliseconds, signal);
      }
    },
  };
}

/** How long until then: `2h 5m`, and from two days on `3d 4h`. */
export function timeUntil(instant, now = Date.now()) {
  const minutes = Math.max(0, Math.ceil((new Date(instant).getTime() - now) / 60000));
  if (minutes >= 2880) return `${Math.floor(minutes / 1440)}d ${Math.floor((minutes % 1440) / 60)}h`;
  return minutes >= 60 ? `${Math.floor(minutes / 60)}h ${minutes % 60}m` : `${minutes}m`;
}
