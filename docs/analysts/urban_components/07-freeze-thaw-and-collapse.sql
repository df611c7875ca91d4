-- 冻融日与非冻融日的路面塌陷案卷
-- Road collapses per 100 district days, on freeze-thaw days (hourly temperatures on both sides of 0) and on others.
SELECT freeze_thaw, count(*) AS district_days, sum(cases) AS cases, round(100 * sum(cases) / count(*), 3) AS cases_per_100_days
FROM urban_components.component_day
WHERE event_class = '路面塌陷' AND freeze_thaw IS NOT NULL
GROUP BY freeze_thaw
ORDER BY freeze_thaw;
