-- 24个月内案卷不少于三件而状态从未变化的部件
-- Components with three or more cases in 24 months whose state never changed.
SELECT e.object_id, a.class_name, a.state_code, e.cases_24m
FROM urban_components.component_exposure e
JOIN urban_components.asset a ON a.object_id = e.object_id
WHERE e.month = (SELECT max(month) FROM urban_components.component_exposure) AND e.cases_24m >= 3 AND a.other_states = 0
ORDER BY e.cases_24m DESC, e.object_id;
