-- 雨日与晴日每千部件日排水案卷数。 How many cases of drains and manholes come per 1,000 assets and day, on wet and on dry days?
SELECT division_code, CASE WHEN rain_class IN ('none', 'trace') THEN 'dry' ELSE 'wet' END AS kind, sum(days) AS days, sum(cases) AS cases,
       round(sum(cases) * 1000 / sum(asset_days), 3) AS cases_per_1000_asset_days
FROM cross_theme.drain_rain
WHERE asset_days > 0
GROUP BY division_code, kind
ORDER BY division_code, kind
