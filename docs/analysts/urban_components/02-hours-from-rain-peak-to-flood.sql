-- 道路积水上报距降水峰值的小时数分布
-- How many whole hours after the peak of the rain of the last 72 hours water on the road was reported.
SELECT floor((unix_timestamp(reported_at) - unix_timestamp(rain_peak_at)) / 3600) AS lag_hours, count(*) AS cases
FROM urban_components.case
WHERE event_class = '道路积水' AND rain_peak_at IS NOT NULL
GROUP BY 1
ORDER BY 1;
