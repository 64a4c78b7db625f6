"""Two months of a small video studio, for pages to show: python3 pages_data.py URL. Always the same choices."""

import datetime
import json
import random
import sys
import urllib.error
import urllib.request

url = sys.argv[1]
random.seed(7)
now = datetime.datetime.now(datetime.timezone.utc)


def call(method, path, body=None, kind="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        url + path, data=data, method=method, headers={"Content-Type": kind} if data else {}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        # Refusals of consumes are wanted.
        if error.code != 429:
            raise SystemExit(f"{method} {path}: {error.read().decode()}")


def text(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


first = "ann bob cem dora eli fay gus hana ivo jo kim lea max nia omar pia quin rosa sam tess".split()
names = [f"{a}-{b}" for a in first for b in "berg lund park ross vale west".split()]
plans = {n: "team" if i % 17 == 0 else "pro" if i % 4 == 0 else "free" for i, n in enumerate(names)}
call("PATCH", "/v1/plans/pro", {"price": 19_000_000})
call("PATCH", "/v1/plans/team", {"price": 49_000_000})
for i, name in enumerate(names):
    profile = {"plan": plans[name], "name": name.replace("-", " ").title()}
    call("PUT", f"/v1/subjects/{name}", {**profile, "blocked": i % 41 == 40})
    if plans[name] != "free":
        start = text(now - datetime.timedelta(days=20 + i % 30))
        subscription = {"plan": plans[name], "status": "active", "startsAt": start}
        call("PUT", f"/v1/subjects/{name}/subscription", subscription)

kinds = [("prompt", 0.62), ("export", 0.74), ("project_create", 0.78), ("web_agent", 0.86), ("api_call", 1)]
lines = []
for day in range(62, -1, -1):
    start = (now - datetime.timedelta(days=day)).replace(hour=6, minute=0, second=0, microsecond=0)
    for i, name in enumerate(names):
        habit = (0.3 + 0.5 * (i * 37 % 100) / 100) * (1 - day / 160)
        if random.random() > habit * (0.7 if start.weekday() > 4 else 1):
            continue
        for _ in range(random.randint(1, {"free": 4, "pro": 11, "team": 22}[plans[name]])):
            at = start + datetime.timedelta(seconds=random.randint(0, 17 * 3600))
            if at > now:
                continue
            choice = random.random()
            kind = next(kind for kind, share in kinds if choice < share)
            failed = random.random() < {"prompt": 0.03, "export": 0.08}.get(kind, 0.01)
            event = {
                "id": f"seed-{len(lines)}",
                "subject": name,
                "type": kind,
                "occurredAt": text(at),
                "durationMs": int(random.lognormvariate(7, 0.6)),
                "status": "failed" if failed else "success",
            }
            if failed:
                event["errorMessage"] = "overloaded"
            if kind == "prompt":
                model = random.choice(["gpt-4o", "gpt-4o-mini", "gpt-4o-mini", "o3-mini"])
                tokens = random.randint(200, 4000)
                event["subtype"] = model
                event["dimensions"] = {"model": model}
                event["quantities"] = {"prompts": 1, "tokens": tokens}
                event["costMillionths"] = tokens * (5 if model == "gpt-4o" else 1)
            if kind == "export":
                event["subtype"] = random.choice(["mp4", "gif"])
            lines.append(json.dumps(event))
for i in range(0, len(lines), 1000):
    call("POST", "/v1/events", "\n".join(lines[i : i + 1000]).encode(), "application/x-ndjson")

for name in names[:30]:
    for _ in range(14):
        call("POST", "/v1/consume", {"subject": name, "meter": "prompts"})
for name in names[:12]:
    expires = text(now + datetime.timedelta(days=40))
    grant = {"amount": 500, "id": "welcome", "source": "purchase", "expiresAt": expires}
    call("POST", f"/v1/subjects/{name}/credits/grants", grant)
    reservation = {"subject": name, "type": "render", "id": f"render-{name}", "expiresInSeconds": 86400}
    call("POST", "/v1/reservations", reservation)
call(
    "PUT",
    "/v1/subjects/bob-ross/additions/sorry",
    {"limit": "prompts_daily", "add": 5, "reason": "outage on Tuesday"},
)
call("POST", "/v1/events", {"id": "typo", "subject": "ann-berg", "type": "promt"})
print(f"recorded {len(lines)} events of {len(names)} subjects")
