-- 未能匹配到机构的处罚占比，按数据来源和代码种类
-- Share of penalties not matched to a registered organisation, by source and kind of identifier
SELECT source_name, identifier_kind, count(*) AS penalties, count_if(NOT matched) AS not_matched,
  round(count_if(NOT matched) / count(*), 4) AS share
FROM credit.penalty WHERE known_to IS NULL
GROUP BY source_name, identifier_kind
