-- 最近一次普查各网格各小类数量及消失、新增
-- Components by grid and class at the last survey where it found some vanished or new.
SELECT grid_code, class_code, components_before, vanished, added, components_after
FROM urban_components.survey_change
WHERE surveyed_period = (SELECT max(surveyed_period) FROM urban_components.survey_change)
ORDER BY grid_code, class_code;
