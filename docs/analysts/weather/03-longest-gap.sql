-- 各台站气温资料最长缺测时段。 What is the longest spell without temperature of each station? (Of equal spells the first.)
SELECT station_code, min_by(date_format(first_hour, 'yyyy-MM-dd HH:mm'), struct(-hours_missing, first_hour)) AS first_hour, max(hours_missing) AS hours_missing, count(*) AS spells
FROM weather.gap
WHERE element = 'temperature_celsius'
GROUP BY station_code
ORDER BY station_code
