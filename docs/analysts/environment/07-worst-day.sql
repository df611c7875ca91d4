-- 每月AQI最高的一天及首要污染物？ Which day of each month had the highest AQI, and what was its primary pollutant?
SELECT month, CAST(day AS STRING) AS day, aqi, primary_items
FROM (
  SELECT date_format(day, 'yyyy-MM') AS month, day, aqi, primary_items,
         rank() OVER (PARTITION BY date_format(day, 'yyyy-MM') ORDER BY aqi DESC) AS place
  FROM environment.city_day
)
WHERE place = 1
ORDER BY month, day
