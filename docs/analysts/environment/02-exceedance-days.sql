-- 各站点各污染物超过二级标准的天数及最大超标倍数？ On how many days was each place above the class-2 limit of each item, and by how much at most?
SELECT place, item_code, count(*) AS days, max(times_over) AS most_times_over
FROM environment.exceedance
GROUP BY place, item_code
ORDER BY place, item_code
