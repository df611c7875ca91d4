-- 每千家企业罚款额（万元），按行业分类版本和门类
-- Fines of the first quarter of 2016 in 10,000 CNY per 1,000 firms, by edition and section of the industry
WITH firms AS (
  SELECT e.entity_id, e.industry_edition, e.industry_section FROM credit.entity e WHERE e.kind = 'enterprise' AND e.known_to IS NULL AND e.valid_from <= DATE'2016-03-31' AND (e.valid_to IS NULL OR e.valid_to > DATE'2016-03-31')
), fines AS (
  SELECT entity_id, sum(fine_10k_cny) AS fine_10k_cny FROM credit.penalty
  WHERE known_to IS NULL AND state_code = '0' AND decided_on BETWEEN DATE'2016-01-01' AND DATE'2016-03-31' GROUP BY entity_id
)
SELECT industry_edition, industry_section, count(*) AS firms, coalesce(sum(fine_10k_cny), 0) AS fines_10k_cny,
  round(coalesce(sum(fine_10k_cny), 0) * 1000 / count(*), 4) AS per_thousand_firms
FROM firms LEFT JOIN fines USING (entity_id)
GROUP BY industry_edition, industry_section
