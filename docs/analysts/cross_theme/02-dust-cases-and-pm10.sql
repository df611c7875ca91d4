-- 工地扬尘案卷上报时3公里内PM10与全市均值。 Is PM10 within 3 km above the city's mean when dust is reported?
SELECT case_id, station_code, pm10_ugm3, city_pm10_ugm3, above_city
FROM cross_theme.dust_case
ORDER BY case_id
