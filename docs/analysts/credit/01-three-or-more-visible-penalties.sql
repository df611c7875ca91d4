-- 近12个月内公示中的处罚达三次的企业，按行政区划和行业门类
-- Enterprises with three or more visible penalties in 12 months, by district and industry section, on 2016-03-31
WITH offenders AS (
  SELECT entity_id FROM credit.penalty
  WHERE known_to IS NULL AND visible_from <= DATE'2016-03-31' AND (visible_to IS NULL OR visible_to > DATE'2016-03-31')
    AND decided_on > add_months(DATE'2016-03-31', -12)
  GROUP BY entity_id HAVING count(*) >= 3
)
SELECT e.division_code, e.industry_section, count(*) AS enterprises
FROM offenders JOIN credit.entity e USING (entity_id)
WHERE e.kind = 'enterprise' AND e.known_to IS NULL AND e.valid_from <= DATE'2016-03-31' AND (e.valid_to IS NULL OR e.valid_to > DATE'2016-03-31')
GROUP BY e.division_code, e.industry_section
