-- 哪些台站迁过站，何时、多远？ Which stations moved, when and how far?
SELECT station_code, feed, valid_from, latitude, longitude, altitude_m, moved_m
FROM weather.station_place
WHERE moved_m IS NOT NULL
ORDER BY station_code, feed, valid_from
