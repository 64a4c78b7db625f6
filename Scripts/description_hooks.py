"""What schemathesis has to know that an OpenAPI description cannot say."""

import re

import schemathesis

# A schema speaks of one value at a time, and knows nothing of what is stored. A well-formed request may
# be refused with 422 for these reasons, and for no others.
UNSAYABLE = [
    # Values that do not go together, and values of which one has to be there.
    r"expected from or days, not both",
    r"expected no \w+ beside \w+",
    r"expected a year from 1970 to 9998",
    r"expected an instant (later than from|before until)",
    r"expected later than \w+",
    r"expected an instant after now and after effectiveAt",
    r"expected types or meters, not both",
    r"expected from 2 to 20 steps with commas between them",
    r"expected the same user in X-User-Id, the query and the body",
    r"expected a user in X-User-Id, in the query or in the body",
    r"expected the reason in the body or in the query, not in both",
    r"expected a text of 1 to 4096 bytes",
    r"expected an object of whole numbers by meter",
    r"expected completed, failed or cancelled",
    r"expected a meter with a total, or a streak",
    r"expected one (price )?for each (effectiveAt|instant)",
    r"expected an id that does not begin with 'meterstone:', .*",
    r"expected a limit, an allowance or a plan that would have been another, or allLimits",
    r"expected a span of at most 10000 windows",
    r"expected at most (10000|120) windows in the span",
    r"expected merge=true beside dryRun=true",
    r"expected ordered or independent, not both",
    r"expected the kind beside key",
    r"'.*' is (a name|an alias) of the meter '.*'( already)?",
    r"expected month, or totalMonthlyTokens of one month",
    r"expected a whole number from the amount on, \d+",
    r"expected at most one grant for each window",
    r"expected both kinds of tokens",
    r"expected the dimension whose distinct values uniqueCount counts",
    r"expected tokensInput and tokensOutput beside reasoningTokens",
    r"expected nothing, since the meter (does not count|counts) cost",
    r"expected nothing: it is for add-ons",
    r"expected a threshold: usedPercent, remaining, credits or unusual",
    r"expected (date or lastUpdated|month or updatedAt) beside userId",
    r"expected date, or tokensUsed of one date",
    # A schema counts characters, and we count bytes.
    r"expected names of 1 to 64 bytes without control characters",
    r"expected an e-mail address of at most (248|254) bytes",
    r"expected type, subtype, status, source, plan, model, category or dimension:NAME",
    r"expected kinds of 1 to 32 of a-z, 0-9 and '_', a letter first, and not mailto",
    r"expected 1 to 200 bytes of UTF-8 without control characters",
    # Within values that may be anything.
    r"expected a whole number of 64 bits, or a number of at most 15 digits",
    r"expected (names|a text) without U\+0000",
    r"expected an instant later than createdAt",
    r"expected another key than the subject's own",
    r"expected what values, valuesMax and beyondValues are of",
    r"expected nothing beside the window 'sinceFirst:\d+', which opens for all values at once",
    r"expected false beside 'per': one full value says nothing of the others",
    r"expected at most 16 tiers, each above another number from 0",
    r"expected a limit or an add-on, and not both",
    r"expected one of set, add and atLeast.*",
    r"expected an id that no other addition has",
    r"expected an address, or a range such as 10\.0\.0\.0/8",
    r"expected no admin beside a subject: it changes what is everybody's",
    r"expected sum, since costs are added up",
    r"expected sum or count, since .*",
    r"expected refuse, since the window '.*' has no counter that stays",
    r"expected session, project or the name of a dimension",
    r"expected patterns of .*",
    r"expected a limit that counts over a time, and not '.*'",
    r"expected a limit of a meter that is a sum or a count",
    r"expected a limit that counts all values together",
    r"expected a key of which nothing is known, and .*",
    r"expected at most \d+ (additions that are not over|changes that are scheduled|other keys of a subject)",
    r"(the window '.*'|a limit per value) needs a meter that is a sum or a count",
    # What depends on what time it is.
    r"expected later than the change, which is at \S+",
    r"expected an instant from \S+ to \S+",
    # What depends on what there is: limits, types of events, and what a page gave, which nobody can make up.
    r"expected at most one default plan, and '.*' is it",
    r"expected sum or count, since limit '.*' has the window 'concurrent'",
    r"expected a meter whose aggregation is gauge or integral",
    r"expected a quantity of a known meter, or a type that moves one",
    r"expected the cursor that the page before gave, as it was given",
]


@schemathesis.check
def refused_for_a_described_reason(ctx, response, case):
    """A request that the description allows is refused only for what it cannot say."""
    if response.status_code != 422 or not case.meta or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    # A key of something that is not there: it is told where the key stands, so not with 404.
    if problem["code"].startswith("unknown_"):
        return
    if not any(re.fullmatch(reason, problem["detail"]) for reason in UNSAYABLE):
        raise AssertionError(f"{problem.get('field')}: {problem['detail']}")


@schemathesis.hook
def map_body(context, body):
    """1.0 is an integer to JSON Schema. To us it is a number that somebody computed, and refused."""
    return whole(body)


def whole(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {name: whole(item) for name, item in value.items()}
    return value
