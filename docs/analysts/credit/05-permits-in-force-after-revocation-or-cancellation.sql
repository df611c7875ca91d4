-- 已吊销或注销但仍有有效许可的企业
-- Firms with a permit still in force on 2016-03-31 after 吊销 or 注销
SELECT e.registration_no, e.status_code, p.authority_name, p.document_no, p.valid_to
FROM credit.entity e JOIN credit.permit p USING (entity_id)
WHERE e.status_code IN ('吊销未注销', '注销') AND e.known_to IS NULL AND e.valid_from <= DATE'2016-03-31' AND (e.valid_to IS NULL OR e.valid_to > DATE'2016-03-31')
  AND p.known_to IS NULL AND p.in_force_from <= DATE'2016-03-31' AND (p.in_force_to IS NULL OR p.in_force_to > DATE'2016-03-31')
