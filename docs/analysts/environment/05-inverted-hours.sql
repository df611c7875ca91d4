-- 各站点PM2.5大于PM10的小时数？ How many hours of each station show PM2.5 above PM10?
SELECT station_code, count(*) AS hours
FROM environment.station_hour
WHERE is_inverted AND item_code = 'PM2.5'
GROUP BY station_code
ORDER BY station_code
