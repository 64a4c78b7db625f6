// The pages' own script: live numbers, forms that call the interface, the palette. Everything can be
// read without it.

const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// --- Times that pass ---------------------------------------------------------------------------

const wait = (until) => {
  const minutes = Math.max(0, Math.ceil((Date.parse(until) - Date.now()) / 60000));
  if (minutes >= 2880) return `${Math.floor(minutes / 1440)}d ${Math.floor((minutes % 1440) / 60)}h`;
  return minutes >= 60 ? `${Math.floor(minutes / 60)}h ${minutes % 60}m` : `${minutes}m`;
};
setInterval(() => {
  for (const time of all('[data-until]')) time.textContent = `Resets in ${wait(time.dataset.until)}`;
}, 20000);

// What is newest is at the right.
for (const plot of all('.plot')) plot.scrollLeft = plot.scrollWidth;

// --- Live: the page is asked for again, and what it marks as live takes the place of what it was --

const livePath = document.body.dataset.livePath;
let shown = null;
let isAsking = false;
let isDue = false;

/** What somebody is reading or typing in stays. */
const isInUse = (part) => part.contains(document.activeElement) && document.activeElement !== document.body;

function renew(part, fresh) {
  if (fresh.innerHTML === part.innerHTML || isInUse(part)) return;
  const open = all('details', part).map((one) => one.open);
  const places = all('.plot, .scroll', part).map((one) => one.scrollLeft);
  part.replaceChildren(...fresh.childNodes);
  all('details', part).forEach((one, index) => { one.open = open[index] ?? false; });
  all('.plot, .scroll', part).forEach((one, index) => { one.scrollLeft = places[index] ?? 0; });
}

/** A form that was not touched becomes as it would be now; what was said of it stays. */
function renewForms(fresh) {
  const [own, other] = [$('.forms'), $('.forms', fresh)];
  if (!own || !other) return;
  const gone = new Set(all('form.action', own));
  for (const form of all('form.action', other)) {
    const known = $(`#${CSS.escape(form.id)}`, own);
    gone.delete(known);
    if (!known) { own.append(form); continue; }
    if (known.dataset.touched || isInUse(known)) continue;
    $('.outcome', form).replaceWith($('.outcome', known));
    known.replaceWith(form);
  }
  for (const form of gone) form.remove();
}

function show(fresh) {
  const main = $('main');
  const parts = new Map(all(':scope > [data-live]', main).map((part) => [part.dataset.live, part]));
  let last = $('.status', main);
  for (const part of all(':scope > *', fresh)) {
    const live = part.dataset.live;
    if (!live) {
      last = part.id ? $(`#${CSS.escape(part.id)}`, main) ?? last
        : part.classList[0] ? $(`:scope > .${part.classList[0]}`, main) ?? last : last;
      continue;
    }
    const known = parts.get(live);
    if (known) { renew(known, part); parts.delete(live); last = known; } else { last.after(part); last = part; }
  }
  for (const part of parts.values()) if (!isInUse(part)) part.remove();
  renewForms(fresh);
  $('footer', main).replaceChildren(...$('footer', fresh).childNodes);
}

function tell(words) {
  const status = $('[data-status]');
  if (!status) return;
  status.dataset.lost = 'yes';
  status.textContent = words;
}

async function refresh() {
  if (isAsking) { isDue = true; return; }
  isAsking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
    // To the page where one signs in: what is shown stays.
    if (answer.redirected) tell('You are signed out. These numbers are as they were.');
    else if (answer.ok) show($('main', new DOMParser().parseFromString(await answer.text(), 'text/html')));
  } catch { /* The stream tells when the server is back. */ }
  isAsking = false;
  if (isDue) { isDue = false; setTimeout(refresh, 500); }
}

if (livePath && 'EventSource' in window) {
  const stream = new EventSource(livePath);
  const status = $('[data-status]');
  const seen = (event) => {
    if (status.dataset.lost) { status.textContent = ''; delete status.dataset.lost; }
    // The first says what stands already.
    if (shown !== null && event.lastEventId !== shown) refresh();
    shown = event.lastEventId;
  };
  stream.addEventListener('limits', seen);
  stream.addEventListener('changes', seen);
  stream.addEventListener('error', () => {
    // A server that refuses the stream says to the page why.
    if (stream.readyState === EventSource.CLOSED) return refresh();
    tell('The connection is lost. These numbers are as they were; they go on by themselves.');
  });
  stream.addEventListener('open', () => {
    if (status.dataset.lost) { status.textContent = ''; delete status.dataset.lost; refresh(); }
  });
  addEventListener('pagehide', () => stream.close());
}

// --- Filters: a choice shows at once ------------------------------------------------------------

for (const form of all('form.filters')) {
  for (const select of all('select', form)) {
    select.addEventListener('change', () => {
      // A span of days takes the place of dates.
      if (select.name === 'days') for (const date of all('input[type=date]', form)) date.value = '';
      form.requestSubmit();
    });
  }
  form.addEventListener('submit', () => {
    for (const input of all('input, select', form)) if (!input.value) input.disabled = true;
  });
}
addEventListener('pageshow', () => {
  for (const input of all('.filters input, .filters select')) input.disabled = false;
});

// --- Forms --------------------------------------------------------------------------------------

const text = (value) => (value === null || value === undefined ? '—'
  : typeof value === 'number' ? value.toLocaleString('en-US') : String(value));

function say(form, kind, ...parts) {
  const outcome = $('.outcome', form);
  outcome.className = `outcome ${kind}`;
  outcome.replaceChildren(...parts);
}

/** Whether somebody made it another than the page came with. */
function isChanged(field) {
  if (field.tagName !== 'SELECT') return field.value !== field.defaultValue;
  const options = [...field.options];
  return field.value !== (options.find((one) => one.defaultSelected) ?? options[0])?.value;
}

/** An amount of money in millionths. */
function millionths(amount, field) {
  const parts = /^(-?)(\d{1,9})(?:\.(\d{1,6}))?$/.exec(amount);
  if (!parts) throw Object.assign(new Error('Expected an amount such as 29.99'), { problem: { field } });
  return Number(parts[1] + parts[2] + (parts[3] ?? '').padEnd(6, '0'));
}

/**
 * The path with its fields in it, and the members of the body. An empty field is not a member. Of a patch it is null, and takes one
 * away; what nobody changed is no member of a patch, since somebody else may have changed it meanwhile.
 */
function read(form, isPatch) {
  let path = form.dataset.path;
  const body = JSON.parse(form.dataset.fixed || '{}');
  const fields = all('[name]', form);
  // A rollout is told as a whole.
  const whole = fields.some((one) => one.name.startsWith('rollout/') && isChanged(one));
  for (const field of fields) {
    const name = field.name;
    if (name.startsWith('{')) { path = path.replace(name, encodeURIComponent(field.value)); continue; }
    if (isPatch && !isChanged(field) && !(whole && name.startsWith('rollout/'))) continue;
    let value = field.value.trim();
    if (field.dataset.kind === 'number') value = value === '' ? null : Number(value);
    if (field.dataset.kind === 'money') value = value === '' ? null : millionths(value, name);
    if (field.dataset.kind === 'datetime') value = value === '' ? null : new Date(`${value}Z`).toISOString();
    if (field.dataset.kind === 'list') {
      const items = value.split(',').map((one) => one.trim()).filter(Boolean);
      value = items.length > 0 ? items : null;
    }
    if (value === '') value = null;
    if (value === null && !isPatch) continue;
    if (name.endsWith('[]')) { body[name.slice(0, -2)] = [value]; continue; }
    const steps = name.split('/');
    const last = steps.pop();
    steps.reduce((at, step) => (at[step] ??= {}), body)[last] = value;
  }
  // A rollout that names nobody would be for nobody; what was meant is everybody.
  if (body.rollout && Object.values(body.rollout).every((one) => one === null)) body.rollout = null;
  return { path, body };
}

async function call(method, path, body, more = {}) {
  const headers = { Accept: 'application/json', ...more };
  if (body !== undefined) headers['Content-Type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  if (method !== 'GET') headers['Idempotency-Key'] = crypto.randomUUID();
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin' });
  const received = await answer.text();
  const value = received ? JSON.parse(received) : null;
  if (!answer.ok) throw Object.assign(new Error(value?.detail ?? `The server answered ${answer.status}.`), { problem: value });
  return value;
}

function explain(form, error) {
  // A refusal is no fact, so that no stream tells it.
  if (error.problem?.status === 429) refresh();
  if (error.problem?.status === 401) {
    const link = document.createElement('a');
    link.href = `/admin/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = 'Sign in again.';
    say(form, 'bad', 'You are signed out. ', link);
    return;
  }
  if (error instanceof TypeError) return say(form, 'bad', 'The server cannot be reached. Nothing was changed, as far as is known here.');
  const field = error.problem?.field;
  say(form, 'bad', field ? `${error.message} (${field})` : error.message);
  if (!field) return;
  const place = field.replace(/\[\d+\]$/, '');
  const input = all('[name]', form).find((one) => one.name.replace(/[{}]|\[\]/g, '').replaceAll('/', '.') === place);
  input?.focus();
}

function tableOf(head, rows) {
  const table = document.createElement('table');
  for (const cells of [head, ...rows]) {
    const row = (cells === head ? table.createTHead() : table.tBodies[0] ?? table.createTBody()).insertRow();
    cells.forEach((cell, index) => {
      const element = document.createElement(cells === head ? 'th' : 'td');
      if (cells === head) element.scope = 'col';
      if (index > 0) element.className = 'number';
      element.textContent = text(cell);
      row.append(element);
    });
  }
  return table;
}

/** What the last 30 days would have been under the limit as the form has it. */
async function askWhatIf(form) {
  const { path, body } = read(form, true);
  const now = await call('GET', path);
  for (const name of ['createdAt', 'updatedAt']) delete now[name];
  const changed = structuredClone(now);
  for (const [name, value] of Object.entries(body)) {
    if (name === 'allowances') {
      changed.allowances ??= {};
      for (const [plan, units] of Object.entries(value)) {
        if (units === null) delete changed.allowances[plan]; else changed.allowances[plan] = units;
      }
    } else if (value === null) delete changed[name]; else changed[name] = value;
  }
  const from = new Date(Date.now() - 30 * 86400000).toISOString();
  const ask = (limit) => call('POST', '/v1/what-if', { from, limits: [limit], subjectsMax: 5 });
  const [before, after] = [await ask(now), await ask(changed)];
  const words = document.createElement('p');
  words.textContent = `Of ${text(after.events)} events of the last 30 days ${text(after.refused)} would have been refused, `
    + `of ${text(after.subjectsRefused)} subjects. With the limit as it is: ${text(before.refused)}.`;
  const parts = [words];
  if (after.mostRefused?.length) {
    parts.push(tableOf(['Most refused', 'Refused'], after.mostRefused.map((one) => [one.subject, one.refused])));
  }
  say(form, '', ...parts);
}

async function askSubscription(form) {
  const { body } = read(form, false);
  const would = await call('POST', form.dataset.preview, body);
  const { subscription, scheduled } = would.change;
  const words = document.createElement('p');
  words.textContent = `${subscription.plan} ${scheduled ? `from ${new Date(subscription.startsAt).toUTCString()} on` : 'at once'}. `
    + `Credits then: ${text(would.creditsAfter)} instead of ${text(would.creditsBefore)}.`;
  const bound = (value) => (value === -1 ? '∞' : text(value));
  const parts = [words];
  if (would.limits.length) {
    parts.push(tableOf(['Limit', 'Allowed now', 'Then', 'Used then'], would.limits.map(({ before, after }) =>
      [after.limit, bound(before.allowance), bound(after.allowance), after.used])));
  }
  say(form, '', ...parts);
}

async function guarded(form, work) {
  const buttons = all('button', form);
  buttons.forEach((one) => { one.disabled = true; });
  try { await work(); } catch (error) { explain(form, error); }
  buttons.forEach((one) => { one.disabled = false; });
}

async function send(form) {
  const method = form.dataset.call;
  const { path, body } = read(form, method === 'PATCH');
  if (method === 'PATCH' && Object.keys(body).length === 0) { say(form, '', 'Nothing was changed.'); return; }
  const hasBody = method !== 'DELETE' && (Object.keys(body).length > 0 || method !== 'POST');
  const isNew = Boolean(form.dataset.new);
  const answer = await call(method, path, hasBody ? body : undefined, isNew ? { 'If-None-Match': '*' } : {}).catch((error) => {
    if (isNew && error.problem?.status === 412) error.message = 'There is one of this name already. Choose another.';
    throw error;
  });
  if (answer?.secret) {
    const secret = document.createElement('code');
    secret.className = 'secret';
    secret.textContent = answer.secret;
    say(form, 'good', 'Made. Keep this secret; it is not shown again:', secret);
  } else if (answer?.invitation) {
    const link = document.createElement('code');
    link.className = 'secret';
    link.textContent = `${location.origin}/admin/sign-in#invitation=${answer.invitation}`;
    say(form, 'good', 'Invited. Send them this link; it is not shown again:', link);
  } else if (answer?.limits && 'allowed' in answer) {
    const left = answer.limits.map((one) => `${one.limit}: ${one.remaining < 0 ? 'no bound' : `${one.remaining} left`}`);
    say(form, 'good', `Allowed. ${left.join(', ')}`);
  } else {
    say(form, 'good', 'Done.');
  }
  delete form.dataset.touched;
  document.activeElement?.blur();
  await refresh();
  // Whoever works with the keyboard goes on where they were.
  $(`#${CSS.escape(form.id)} [type=submit]`)?.focus({ preventScroll: true });
}

// Forms come and go while the page is open: the document listens for all of them.
document.addEventListener('input', (event) => {
  const form = event.target.closest('form.action');
  if (form) form.dataset.touched = 'yes';
});
document.addEventListener('click', (event) => {
  const form = event.target.closest('[data-ask]')?.form;
  if (form) guarded(form, () => (form.dataset.preview === '/v1/what-if' ? askWhatIf(form) : askSubscription(form)));
});
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.dataset.call) return;
  event.preventDefault();
  if (form.dataset.question && !confirm(form.dataset.question)) return;
  guarded(form, () => send(form));
});

for (const form of all('form[data-sign-in]')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const body = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ''));
    try {
      await call('POST', '/v1/sessions', body);
      const next = new URLSearchParams(location.search).get('next') ?? '/admin';
      // Only to a page of this server.
      location.assign(next.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') ? next : '/admin');
    } catch (error) { explain(form, error); }
  });
}

const invited = $('[data-invitation]');
const invitation = new URLSearchParams(location.hash.slice(1)).get('invitation');
if (invited && invitation) {
  invited.hidden = false;
  for (const other of all('form[data-sign-in]')) other.hidden = true;
  invited.addEventListener('submit', async (event) => {
    event.preventDefault();
    const password = new FormData(invited).get('password');
    try {
      const { email } = await call('POST', '/v1/administrators/accept', { invitation, password });
      // It is used up, and is to stand in no history.
      history.replaceState(null, '', location.pathname);
      await call('POST', '/v1/sessions', { email, password });
      location.assign('/admin');
    } catch (error) { explain(invited, error); }
  });
}

$('[data-sign-out]')?.addEventListener('click', async () => {
  await call('DELETE', '/v1/sessions/current').catch(() => {});
  location.assign('/admin/sign-in');
});

// --- Palette ------------------------------------------------------------------------------------

const dialog = $('[data-palette-dialog]');
if (dialog?.showModal) {
  const input = $('input', dialog), list = $('ul', dialog);
  const pages = all('nav a').map((link) => ({ text: link.textContent, kind: 'page', to: link.getAttribute('href') }));
  let known = null, found = [], chosen = 0;

  const show = () => {
    const words = input.value.trim().toLowerCase();
    const matching = [...pages, ...(known ?? [])].filter((one) => one.text.toLowerCase().includes(words));
    matching.sort((one, two) => Number(!one.text.toLowerCase().startsWith(words)) - Number(!two.text.toLowerCase().startsWith(words)));
    found = matching.slice(0, 12);
    if (words && !found.some((one) => one.text.toLowerCase() === words)) {
      found.push({ text: input.value.trim(), kind: 'open subject', to: `/admin/subjects/${encodeURIComponent(input.value.trim())}` });
    }
    chosen = Math.min(chosen, Math.max(found.length - 1, 0));
    list.replaceChildren(...found.map((one, index) => {
      const item = document.createElement('li'), kind = document.createElement('span');
      item.id = `found-${index}`;
      item.role = 'option';
      item.ariaSelected = String(index === chosen);
      kind.textContent = one.kind;
      item.append(one.text, kind);
      item.addEventListener('click', () => location.assign(one.to));
      return item;
    }));
    input.setAttribute('aria-activedescendant', found.length ? `found-${chosen}` : '');
  };
  const learn = (answer) => {
    for (const one of answer?.subjects ?? []) {
      const to = `/admin/subjects/${encodeURIComponent(one.id)}`;
      if (known.some((other) => other.to === to)) continue;
      known.push({ text: one.name ? `${one.id} · ${one.name}` : one.id, kind: 'subject', to });
    }
  };
  // Of many subjects only the first are known; those whose id begins with what is typed are asked for.
  const search = async () => {
    const words = input.value.trim();
    if (!words || !known) return;
    learn(await call('GET', `/v1/subjects?count=12&prefix=${encodeURIComponent(words)}`).catch(() => null));
    if (words === input.value.trim()) show();
  };
  const open = async () => {
    input.value = '';
    chosen = 0;
    dialog.showModal();
    show();
    if (known) return;
    known = [];
    const [subjects, limits] = await Promise.allSettled([call('GET', '/v1/subjects?count=1000'), call('GET', '/v1/limits')]);
    learn(subjects.value);
    for (const one of limits.value?.limits ?? []) {
      known.push({ text: one.key, kind: 'limit', to: `/admin/limits/${encodeURIComponent(one.key)}` });
    }
    show();
  };
  const button = $('[data-palette]');
  button.hidden = false;
  button.addEventListener('click', open);
  addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') { event.preventDefault(); if (!dialog.open) open(); }
  });
  input.addEventListener('input', () => { chosen = 0; show(); search(); });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      chosen = (chosen + (event.key === 'ArrowDown' ? 1 : -1) + found.length) % Math.max(found.length, 1);
      show();
      $(`#found-${chosen}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (found[chosen]) location.assign(found[chosen].to);
    }
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
}
