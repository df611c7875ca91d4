-- 哪些站点哪天PM2.5有效小时数不足20？ Which station days have fewer than 20 valid hours of PM2.5?
SELECT station_code, CAST(day AS STRING) AS day, pm25_hours
FROM environment.station_day
WHERE pm25_hours < 20
ORDER BY station_code, day
