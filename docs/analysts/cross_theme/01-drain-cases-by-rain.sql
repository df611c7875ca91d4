-- 雨日与晴日每千部件日排水案卷数。 How many cases of drains and manholes come per 1,000 assets and day, by class of the day's rain?
SELECT division_code, rain_class, days, cases, cases_per_1000_asset_days
FROM cross_theme.drain_rain
ORDER BY division_code, rain_class
