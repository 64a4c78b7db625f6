-- Finds the subjects that had a time zone before and follow the default one now, of which subjects_by_time_zone says
-- nothing. Reports of everybody's own days ask for them.
CREATE INDEX subjects_by_former_zones ON subjects (number)
    WHERE (profile::json ->> 'timeZone') IS NULL AND (profile::json ->> 'formerZones') IS NOT NULL;
