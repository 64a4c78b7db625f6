-- Finds the corrections of an event without reading what else its subject did on that day.
-- On a large table it is made in one scan: about a second per million rows.
CREATE INDEX usage_events_corrections ON usage_events (subject, day, sequence)
    WHERE get_byte(body, 0) = 2;
