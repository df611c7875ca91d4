-- 每月各空气质量级别的天数？ How many days of each AQI class has every month?
SELECT date_format(day, 'yyyy-MM') AS month, aqi_level, count(*) AS days
FROM environment.city_day
WHERE aqi_level IS NOT NULL
GROUP BY date_format(day, 'yyyy-MM'), aqi_level
ORDER BY month, aqi_level
