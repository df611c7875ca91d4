-- 三个及以上部门登记、名称不一致的机构，以及与多数不同的部门
-- Organisations known to three or more registers under different names: the department whose name no other bears while two agree
-- (records of sole traders under a person's number stay out)
WITH named AS (
  SELECT entity_id, source, name, count(*) OVER (PARTITION BY entity_id, name) AS bearers, count(*) OVER (PARTITION BY entity_id) AS registers
  FROM credit.entity_record
  WHERE source IN ('market_regulation/legal_entity', 'quality_supervision/organisation_code', 'state_taxation/taxpayer', 'local_taxation/taxpayer')
    AND (taxpayer_no IS NULL OR taxpayer_no NOT LIKE 'TOKEN:%')
), agreed AS (
  SELECT DISTINCT entity_id, name AS agreed_name FROM named WHERE bearers >= 2
)
SELECT source AS outlier, name, agreed_name FROM named JOIN agreed USING (entity_id) WHERE registers >= 3 AND bearers = 1
