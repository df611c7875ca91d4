-- 由任一旧代码(工商注册号、组织机构代码、税号、统一社会信用代码)查到企业
-- From any code of any department (registration number, organisation code, taxpayer number, credit code) to the firm;
-- a sole trader's taxpayer number is a person's identifier and never shown
SELECT DISTINCT i.id_type, i.id_value, e.registration_no
FROM credit.entity_identifier i JOIN credit.entity e USING (entity_id)
WHERE e.kind = 'enterprise' AND i.id_value NOT LIKE 'TOKEN:%'
