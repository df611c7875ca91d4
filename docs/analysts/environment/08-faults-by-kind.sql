-- 各类监测异常影响多少站点、多少小时？ How many stations and hours does each kind of sensor fault touch?
SELECT kind, count(DISTINCT station_code) AS stations, sum(hours) AS hours
FROM environment.sensor_fault
WHERE kind <> 'short_mean'
GROUP BY kind
ORDER BY kind
