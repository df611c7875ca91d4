-- 大雨及以上日与无雨日，各区每千个排水井盖、雨水箅子每天的积水与溢水案卷数
-- Cases of water per 1,000 drains and manholes and day, on days of heavy rain and above against dry days, by district (days with all 24 hours).
SELECT division_code,
       CASE WHEN rain_class = 'none' THEN 'dry' ELSE 'heavy' END AS day_kind,
       count(DISTINCT met_day) AS days,
       sum(cases) AS cases,
       max(assets) AS assets,
       round(1000 * sum(cases) / (max(assets) * count(DISTINCT met_day)), 3) AS cases_per_1000_and_day
FROM urban_components.component_day
WHERE event_class IN ('道路积水', '检查井溢水') AND assets > 0 AND rain_hours = 24
  AND rain_class IN ('none', 'heavy', 'rainstorm', 'severe_rainstorm', 'extreme_rainstorm')
GROUP BY 1, 2
ORDER BY 1, 2;
