-- 污染源能否对应到法人？ How many pollution sources with a credit code are linked to an organisation, by level of control?
SELECT control_level, count(*) AS sources, count(entity_id) AS linked
FROM environment.polluter_entity
WHERE uscc IS NOT NULL
GROUP BY control_level
ORDER BY control_level
