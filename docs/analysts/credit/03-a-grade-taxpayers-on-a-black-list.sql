-- 现列入黑名单的A级纳税人
-- A-grade taxpayers of the latest year that are on a black list on 2016-03-31; sole traders under a person's number stay out
WITH latest AS (
  SELECT entity_id, max_by(grade, year) AS grade FROM credit.tax_grade
  WHERE known_to IS NULL AND taxpayer_no NOT LIKE 'TOKEN:%' GROUP BY entity_id
)
SELECT e.registration_no, l.list_code, l.listed_on
FROM latest JOIN credit.list_entry l USING (entity_id) JOIN credit.entity e USING (entity_id)
WHERE latest.grade = 'A' AND l.colour = 'black' AND l.known_to IS NULL
  AND l.listed_on <= DATE'2016-03-31' AND (l.removed_on IS NULL OR l.removed_on > DATE'2016-03-31')
  AND e.known_to IS NULL AND e.valid_from <= DATE'2016-03-31' AND (e.valid_to IS NULL OR e.valid_to > DATE'2016-03-31')
