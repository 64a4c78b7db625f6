"""Clicks through the pages and compares them with the interface: check_pages.py first|all URL FOLDER."""

import json
import sys
import time
import urllib.error
import urllib.request

import openpyxl
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

what, url, folder = sys.argv[1:]
WEIGHT_MAX = 150_000
PAGES = {
    "overview": "/admin",
    "usage": "/admin/usage",
    "subjects": "/admin/subjects",
    "subject": "/admin/subjects/bob-ross",
    "top": "/admin/top",
    "unusual": "/admin/unusual",
    "events": "/admin/events",
    "errors": "/admin/errors",
    "limits": "/admin/limits",
    "limit": "/admin/limits/prompts_daily",
    "plans": "/admin/plans",
    "plan": "/admin/plans/pro",
    "view": "/admin/subjects/bob-ross/view",
    "requests": "/admin/requests",
    "imports": "/admin/imports",
    "alerts": "/admin/alerts",
    "administrators": "/admin/administrators",
    "tour": "/admin/tour",
    "changes": "/admin/changes",
    "keys": "/admin/keys",
    "system": "/admin/system",
    "design": "/admin/design",
    "sign-in": "/admin/sign-in",
}
KINDS = {
    "wide-light": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"},
    "wide-dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone-light": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
axe = Axe()
mistakes = []


def note(condition, words):
    if not condition and words not in mistakes:
        mistakes.append(words)
        print("  wrong:", words)


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    request = urllib.request.Request(url + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return json.loads(error.read())


def grouped(number):
    return f"{number:,}"


def watch(page, place):
    """Whatever a browser complains about is a mistake: a policy that is broken, a file that is missing."""
    page.on("console", lambda said: note(said.type != "error", f"{place()}: {said.text}"))
    page.on("pageerror", lambda error: note(False, f"{place()}: {error}"))


def look(page, name, kind, path):
    sizes = []
    page.on("response", lambda answer: sizes.append(answer))
    answer = page.goto(url + path)
    page.wait_for_load_state("load")
    note(answer.status == 200, f"{path}: {answer.status}")
    weight = sum(
        len(one.body()) for one in sizes if "event-stream" not in one.headers.get("content-type", "")
    )
    note(weight < WEIGHT_MAX, f"{path}: {weight} bytes")
    policy = answer.headers.get("content-security-policy", "")
    note("default-src 'none'" in policy and "unsafe" not in policy, f"{path}: {policy}")
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    note(wide <= 0, f"{path} on {kind}: {wide} pixels too wide")
    for violation in axe.run(page).response["violations"]:
        nodes = [node["target"] for node in violation["nodes"]][:3]
        note(False, f"{path} on {kind}: {violation['id']}: {violation['help']} {nodes}")
    page.screenshot(path=f"{folder}/{name}-{kind}.png", full_page=True)


def card(page, label):
    return page.locator(".card", has=page.locator(".label", has_text=label)).locator(".value").first


def rows(page, table):
    return page.locator(f"#{table} tbody").first.locator("tr")


def check_numbers(page):
    errors = call("GET", "/v1/analytics/errors?days=30&minimumEvents=0&count=10000")["rows"]
    page.goto(url + "/admin")
    expect(card(page, "Events")).to_have_text(grouped(sum(row["events"] for row in errors)))
    failed = sum(row["failed"] for row in errors) / sum(row["events"] for row in errors)
    note(
        card(page, "Errors").inner_text() == f"{failed * 100:.1f} %",
        f"errors: {card(page, 'Errors').inner_text()} is not {failed}",
    )
    met = call("GET", "/v1/analytics/limits?days=30")["rows"]
    expect(card(page, "Limits met")).to_have_text(grouped(sum(row["events"] for row in met)))
    plans = call("GET", "/v1/analytics/plans?days=30")["rows"]
    revenue = sum(row["revenueMillionths"] for row in plans)
    if revenue:
        expect(card(page, "Revenue")).to_have_text(f"{revenue / 1e6:,.2f}")
    cost = sum(row["costMillionths"] for row in plans)
    expect(card(page, "Cost")).to_have_text(f"{cost / 1e6:,.2f}")

    page.goto(url + "/admin/usage")
    for kind, label in [("project_create", "Created project"), ("prompt", "Generated"), ("export", "Exported")]:
        count = call("GET", f"/v1/analytics/funnel?types={kind},{kind}&ordered=false")["rows"][0]["subjects"]
        expect(card(page, label)).to_have_text(grouped(count))
    expect(card(page, "Registered")).to_have_text(grouped(120))
    top = call("GET", "/v1/analytics/top?meter=prompts&count=100")["rows"]
    for index in [0, 1, 20]:
        cells = rows(page, "top").nth(index).locator("td")
        expect(cells.nth(0)).to_have_text(top[index]["subject"])
        expect(cells.nth(1)).to_have_text(grouped(top[index]["quantity"]))
    # The chart, its table and the report tell the same.
    page.goto(url + "/admin")
    trends = call("GET", "/v1/analytics/trends?days=30&window=day&meters=exports&count=10000")["rows"]
    page.locator("#events-by-day summary").click()
    heads = page.locator("#events-by-day th").all_inner_texts()
    column = heads.index("Exports")
    shown = [row.locator("td").nth(column).inner_text() for row in page.locator("#events-by-day tbody tr").all()]
    note(shown == [grouped(row["events"]) for row in trends], f"exports by day: {shown}")

    page.goto(url + "/admin/subjects/bob-ross")
    for limit in call("GET", "/v1/subjects/bob-ross/limits")["limits"]:
        value = page.locator(f"[data-limit='{limit['limit']}'] .meter-value")
        allowance = "∞" if limit["allowance"] < 0 else grouped(limit["allowance"])
        expect(value).to_have_text(f"{grouped(limit['used'])} / {allowance}")
    lifetime = call("GET", "/v1/subjects/bob-ross/lifetime")
    expect(card(page, "Active days")).to_have_text(grouped(lifetime["daysActive"]))
    expect(card(page, "Credits")).to_have_text(grouped(call("GET", "/v1/subjects/bob-ross/credits")["balance"]))


def check_tables(page):
    page.goto(url + "/admin/subjects")
    page.get_by_role("columnheader", name="Prompts").get_by_role("link").click()
    page.wait_for_url("**subjects-sort=-used**")
    used = [int(row.locator("td").nth(4).inner_text().replace(",", "")) for row in rows(page, "subjects").all()]
    note(used == sorted(used, reverse=True) and len(used) == 50, f"sorted by use: {used}")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**subjects-page=2**")
    expect(page.locator(".pager")).to_contain_text("Page 2 of 3, 120 rows")
    # What the address says is the view: the same again, for whoever has the link.
    again = page.context.new_page()
    again.goto(page.url)
    expect(rows(again, "subjects").first).to_have_text(rows(page, "subjects").first.inner_text().replace("\t", ""))
    again.close()
    with page.expect_download() as download:
        page.get_by_role("link", name="Subjects as an Excel file").click()
    sheet = openpyxl.load_workbook(open(download.value.path(), "rb")).active
    note(sheet.max_row == 121 and sheet["A1"].value == "Subject", f"Excel: {sheet.max_row} {sheet['A1'].value}")
    column = [cell.value for cell in sheet[1]].index("Prompts")
    used = [row[column].value for row in sheet.iter_rows(min_row=2)]
    note(used == sorted(used, reverse=True) and all(type(one) is int for one in used), f"Excel: {used[:5]}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Subjects as CSV").click()
    lines = open(download.value.path(), encoding="utf-8", newline="").read().split("\r\n")
    note(len(lines) == 122 and lines[0].startswith("subject,name,plan"), f"CSV: {len(lines)} {lines[0]}")
    page.goto(url + "/admin/subjects")
    page.get_by_label("Search").fill("ross")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**q=ross**")
    note(rows(page, "subjects").count() == 20, f"search: {rows(page, 'subjects').count()}")
    page.get_by_label("Plan").select_option("team")
    page.wait_for_url("**plan=team**")
    note(all("team" in row.inner_text() for row in rows(page, "subjects").all()), "filter by plan")
    page.get_by_label("State").select_option("blocked")
    page.wait_for_url("**state=blocked**")
    page.goto(url + "/admin/subjects?q=nobody-has-this")
    expect(page.locator("#subjects")).to_contain_text("Nobody matches")
    page.goto(url + "/admin/events")
    first = rows(page, "events").first.inner_text()
    page.locator("#events .pager").get_by_role("link", name="Next").click()
    page.wait_for_url("**events-cursor=**")
    note(rows(page, "events").first.inner_text() != first, "the next page of events")
    note(page.goto(url + "/admin/nothing").status == 404, "a page that is not there")
    answer = page.goto(url + "/admin/subjects/nobody")
    note(answer.status == 404, f"a subject that is not there: {answer.status}")
    expect(page.locator("h1")).to_have_text("There is nothing here")
    answer = page.goto(url + "/admin/top?meter=none")
    note(answer.status == 422, f"a meter that is not there: {answer.status}")


def check_palette(page):
    page.goto(url + "/admin")
    page.keyboard.press("Control+k")
    page.keyboard.type("bob-r")
    expect(page.locator("#palette-list li").first).to_contain_text("bob-ross")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/subjects/bob-ross")
    page.keyboard.press("Control+k")
    page.keyboard.type("audit")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/changes")


def save(page, form):
    """Saves, waits for the answer, and begins anew with what is stored."""
    with page.expect_response(lambda answer: answer.request.method in ("PATCH", "PUT")) as answer:
        form.get_by_role("button", name="Save").click()
    note(answer.value.ok, f"saving {answer.value.url}: {answer.value.status}")
    expect(form.locator(".outcome.good")).to_have_text("Done.")
    page.reload()


def check_rollout(page):
    page.goto(url + "/admin/limits/prompts_daily")
    form = page.locator("#form-rollout")
    form.get_by_label("percent of teams").fill("101")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".outcome.bad")).to_contain_text("rollout.percent")
    expect(form.get_by_label("percent of teams")).to_be_focused()
    form.get_by_label("percent of teams").fill("25")
    form.get_by_label("plans").fill("pro, team")
    form.get_by_label("subjects").fill("a,,b*")
    save(page, form)
    rollout = call("GET", "/v1/limits/prompts_daily")["rollout"]
    note(rollout == {"percent": 25, "plans": ["pro", "team"], "subjects": ["a", "b*"]}, f"a rollout: {rollout}")
    expect(form.get_by_label("plans")).to_have_value("pro, team")
    for label in ["percent of teams", "plans", "subjects"]:
        form.get_by_label(label).fill("")
    save(page, form)
    note("rollout" not in call("GET", "/v1/limits/prompts_daily"), "no rollout is for everybody")
    form = page.locator("#form-limit")
    form.get_by_label("Without a server").select_option("open")
    save(page, form)
    note(call("GET", "/v1/limits/prompts_daily")["failMode"] == "open", "what callers do without a server")


def check_switches(page):
    page.goto(url + "/admin/system")
    form = page.locator("#form-switches")
    form.get_by_label("Limits: percent of teams").fill("-1")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".outcome.bad")).to_contain_text("limits.rollout.percent")
    form.get_by_label("Limits: percent of teams").fill("50")
    form.get_by_label("Limits", exact=True).select_option("shadow")
    save(page, form)
    limits = call("GET", "/v1/switches")["limits"]
    note(limits["state"] == "shadow" and limits["rollout"]["percent"] == 50, f"switches: {limits}")
    form.get_by_label("Limits: percent of teams").fill("")
    form.get_by_label("Limits", exact=True).select_option("on")
    save(page, form)
    note(call("GET", "/v1/switches")["limits"].get("rollout") is None, "no rollout is for everybody")


def check_forms(page):
    page.goto(url + "/admin/limits/prompts_daily")
    form = page.locator("#form-limit")
    form.get_by_label("Free").fill("1")
    form.get_by_role("button", name="Preview").click()
    expect(form.locator(".outcome")).to_contain_text("would have been refused")
    page.screenshot(path=f"{folder}/what-if-wide-light.png")
    note(call("GET", "/v1/limits/prompts_daily")["allowances"]["free"] == 10, "a preview changes nothing")
    form.get_by_label("Free").fill("-7")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".outcome.bad")).to_contain_text("allowances")
    form.get_by_label("Free").fill("12")
    form.get_by_role("button", name="Save").click()
    expect(form.locator(".outcome.good")).to_have_text("Done.")
    allowances = call("GET", "/v1/limits/prompts_daily")["allowances"]
    note(allowances == {"free": 12, "pro": 100, "team": -1, "enterprise": -1}, "a save")

    check_rollout(page)
    page.on("dialog", lambda dialog: dialog.accept())
    check_switches(page)
    page.goto(url + "/admin/subjects/cem-park")
    page.locator("#form-block button").click()
    expect(page.locator(".notice.bad")).to_contain_text("Blocked")
    note(call("GET", "/v1/subjects/cem-park")["blocked"], "a block")
    page.locator("#form-block button").click()
    expect(page.locator(".notice.bad")).to_have_count(0)
    form = page.locator("#form-override")
    form.get_by_label("Limit").select_option("exports_daily")
    form.get_by_label("Allowance").fill("77")
    form.get_by_role("button").click()
    expect(page.locator("[data-limit=exports_daily] .meter-value")).to_contain_text("/ 77")
    form = page.locator("#form-add")
    form.get_by_label("Limit").select_option("prompts_daily")
    form.get_by_label("More").fill("9")
    form.get_by_role("button").click()
    expect(page.locator("[data-limit=prompts_daily]")).to_contain_text("support +9")
    form = page.locator("#form-grant")
    form.get_by_label("Credits").fill("0")
    form.get_by_role("button").click()
    expect(form.locator(".outcome.bad")).to_contain_text("amount")
    form.get_by_label("Credits").fill("25")
    form.get_by_role("button").click()
    expect(page.locator("#grants")).to_contain_text("25")
    form = page.locator("#form-change-plan")
    form.get_by_label("Plan").select_option("pro")
    form.get_by_role("button", name="Preview").click()
    expect(form.locator(".outcome")).to_contain_text("prompts_daily")
    form.get_by_role("button", name="Change the plan").click()
    expect(card(page, "Plan")).to_have_text("pro")
    for _ in range(3):
        call("POST", "/v1/consume", {"subject": "cem-park", "meter": "web_agent"})
    form = page.locator("#form-reset")
    form.get_by_label("Limit").select_option("web_agent_daily")
    form.get_by_role("button").click()
    expect(page.locator("[data-limit=web_agent_daily] .meter-value")).to_contain_text("0 /")


def check_alerts(page):
    page.goto(url + "/admin/alerts")
    form = page.locator("#form-make-webhook")
    form.get_by_label("Name").fill("ops")
    form.get_by_label("Address").fill("nowhere")
    form.get_by_role("button").click()
    expect(form.locator(".outcome.bad")).to_contain_text("url")
    form.get_by_label("Address").fill("https://hooks.example.com/usage")
    form.get_by_role("button").click()
    expect(form.locator(".outcome.good")).to_contain_text("Keep this secret")
    expect(rows(page, "webhooks").first).to_contain_text("https://hooks.example.com/usage")
    form = page.locator("#form-make-alert")
    form.get_by_label("Name").fill("almost-full")
    form.get_by_label("Share").fill("0")
    form.get_by_role("button").click()
    expect(form.locator(".outcome.bad")).to_contain_text("usedPercent")
    form.get_by_label("Share").fill("80")
    form.get_by_role("button").click()
    expect(rows(page, "alerts").first).to_contain_text("80 % used")
    note(call("GET", "/v1/alerts/almost-full")["usedPercent"] == [80], "an alert")
    page.goto(url + "/admin/administrators")
    form = page.locator("#form-invite")
    form.get_by_label("E-mail").fill("nobody")
    form.get_by_role("button").click()
    expect(form.locator(".outcome.bad")).to_contain_text("email")
    page.goto(url + "/admin/requests")
    listed = call("GET", "/v1/requests?count=50")["requests"]
    note(rows(page, "requests").count() == len(listed), f"requests: {len(listed)}")
    page.goto(url + "/admin/subjects/bob-ross/view")
    note(page.locator("form[data-call]").count() == 0, "the page of a person offers nothing")


def check_live(page):
    subject = "dora-lund"
    used = {one["limit"]: one["used"] for one in call("GET", f"/v1/subjects/{subject}/limits")["limits"]}
    page.goto(f"{url}/admin/subjects/{subject}")
    value = page.locator("[data-limit=api_calls_hourly] [data-used]")
    expect(value).to_have_text(grouped(used["api_calls_hourly"]))
    page.wait_for_timeout(700)
    call("POST", "/v1/consume", {"subject": subject, "meter": "api_calls"})
    start = time.monotonic()
    expect(value).to_have_text(grouped(used["api_calls_hourly"] + 1), timeout=5_000)
    seconds = time.monotonic() - start
    print(f"  a change shows after {seconds:.2f} s")
    return seconds


def check_element(page):
    """The element in a page of its own, under a policy without `unsafe-inline`."""
    html = """<!DOCTYPE html><html lang="en"><title>App</title><script type="module" src="/web/usage.js"></script>
        <main><h1>App</h1><meterstone-usage subject="bob-vale" limits="prompts_daily,exports_daily,projects_total"
        labels='{"prompts_daily":"AI Generations"}'></meterstone-usage></main></html>"""
    policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
    page.route(
        "**/app.html",
        lambda route: route.fulfill(
            body=html, content_type="text/html", headers={"Content-Security-Policy": policy}
        ),
    )
    page.goto(url + "/app.html")
    limits = {one["limit"]: one for one in call("GET", "/v1/subjects/bob-vale/limits")["limits"]}
    limit = limits["prompts_daily"]
    element = page.locator("meterstone-usage")
    expect(element).to_contain_text(f"{limit['used']} / {limit['allowance']}")
    expect(element).to_contain_text("Resets in")
    call("POST", "/v1/events", {"id": f"live-{time.time()}", "subject": "bob-vale", "type": "prompt"})
    expect(element).to_contain_text(f"{limit['used'] + 1} / {limit['allowance']}", timeout=5_000)
    for violation in axe.run(page).response["violations"]:
        note(False, f"the element: {violation['id']}")
    element.screenshot(path=f"{folder}/element.png")


def check_own(browser):
    token = call("POST", "/v1/tokens", {"subject": "bob-ross"})["token"]
    for kind, options in KINDS.items():
        context = browser.new_context(**options)
        context.add_cookies([{"name": "meterstone_token", "value": token, "url": url}])
        page = context.new_page()
        watch(page, lambda: "/me")
        look(page, "me", kind, "/me")
        for limit in call("GET", "/v1/subjects/bob-ross/limits")["limits"]:
            allowance = "∞" if limit["allowance"] < 0 else grouped(limit["allowance"])
            value = page.locator(f"[data-limit='{limit['limit']}'] .meter-value")
            expect(value).to_have_text(f"{grouped(limit['used'])} / {allowance}")
        note(page.locator("form[data-call]").count() == 0, "/me offers what only administrators may do")
        note("bob-ross" in call("GET", "/v1/subjects/bob-ross")["id"], "the subject")
        # Nobody else's, and nothing of the administrator's.
        note(context.request.get(url + "/v1/subjects/ann-berg/limits").status == 404, "another's limits")
        note(page.request.get(url + "/admin").status == 403, "the overview with a subject's token")
        context.close()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    if what == "first":
        for kind, options in KINDS.items():
            page = browser.new_context(**options).new_page()
            watch(page, lambda: "/admin")
            look(page, "first", kind, "/admin")
            expect(page.locator("main")).to_contain_text("From nothing to the first refusal")
    else:
        for kind, options in KINDS.items():
            print(kind)
            for name, path in PAGES.items():
                context = browser.new_context(**options)
                page = context.new_page()
                watch(page, lambda: path)
                look(page, name, kind, path)
                context.close()
        check_own(browser)
        context = browser.new_context(**KINDS["wide-light"], accept_downloads=True)
        for check in [check_numbers, check_tables, check_palette, check_forms, check_alerts, check_live, check_element]:
            print(check.__name__)
            page = context.new_page()
            try:
                check(page)
            except Exception as error:
                page.screenshot(path=f"{folder}/failed-{check.__name__}.png")
                note(False, f"{check.__name__}: {str(error)[:600]}")
            page.close()
    browser.close()
if mistakes:
    raise SystemExit(f"{len(mistakes)} mistakes")
print("all pages are as they should be")
