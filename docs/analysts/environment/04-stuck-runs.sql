-- 哪些传感器出现恒值，何时，多久？ Which sensors were stuck or replayed, when and for how long?
SELECT station_code, item_code, kind, date_format(started_at, 'yyyy-MM-dd HH') AS first_hour, hours
FROM environment.sensor_fault
WHERE kind IN ('stuck', 'replay')
ORDER BY station_code, item_code, first_hour
