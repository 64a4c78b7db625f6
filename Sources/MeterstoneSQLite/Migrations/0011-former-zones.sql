-- Finds the subjects that had a time zone before and follow the default one now, of which subjects_by_time_zone says
-- nothing. Reports of everybody's own days ask for them.
CREATE INDEX subjects_by_former_zones ON subjects (number)
    WHERE json_extract(profile, '$.timeZone') IS NULL AND json_extract(profile, '$.formerZones') IS NOT NULL;
