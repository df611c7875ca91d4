-- 1米内同类部件重复普查对
-- Pairs of components of one class within 1 m: the smallest code of the place and each of the others.
SELECT twin_of, object_id, class_code
FROM urban_components.asset
WHERE twin_of IS NOT NULL AND object_id <> twin_of
ORDER BY twin_of, object_id;
